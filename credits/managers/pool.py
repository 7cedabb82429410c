"""Writes to pools."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.db import models, transaction
from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from credits import functions
from credits.choices import JournalKind
from credits.errors import NoCreditPool
from orgbilling.lib.clock import now

if TYPE_CHECKING:
    from credits.models import CreditPool


class PoolManager(models.Manager["CreditPool"]):
    """Fills pools and keeps what the subscription allows."""

    def with_totals(self) -> QuerySet[CreditPool]:
        """Pools with ``used_credits`` and ``held_credits``: the sums over their allocations.

        The pool row has no counter of its own for them, so that an ordinary charge needn't touch it.
        """
        allocations = (
            apps.get_model("credits", "Allocation")
            .objects.filter(org_id=OuterRef("org_id"))
            .values("org_id")
        )

        def total(column: str) -> Coalesce:
            return Coalesce(
                Subquery(
                    allocations.annotate(total=Sum(column)).values("total"),
                    output_field=BigIntegerField(),
                ),
                Value(0),
                output_field=BigIntegerField(),
            )

        return self.get_queryset().annotate(
            used_credits=total("lifetime_used_credits"), held_credits=total("held_credits")
        )

    def of(self, org_id: UUID) -> CreditPool:
        """One organization's pool with its totals and the organization.

        Raises:
            NoCreditPool: there is none.
        """
        pool = self.with_totals().select_related("org").filter(org_id=org_id).first()
        if pool is None:
            raise NoCreditPool
        return pool

    def lock(self, org_id: UUID) -> CreditPool:
        """The pool's row, locked until the caller's transaction ends.

        Raises:
            NoCreditPool: there is none.
        """
        pool = self.select_for_update().filter(org_id=org_id).first()
        if pool is None:
            raise NoCreditPool
        return pool

    def open(self, org_id: UUID) -> CreditPool:
        """An empty pool for an organization; the one it has when it has one."""
        self.bulk_create([self.model(org_id=org_id)], ignore_conflicts=True)
        return self.get(org_id=org_id)

    def add(
        self,
        *,
        org_id: UUID,
        credits: int,
        kind: JournalKind,
        purchase_amount: Decimal,
        actor: str,
        request_id: str,
        idempotency_key: str | None = None,
        body_hash: bytes | None = None,
        notes: str = "",
    ) -> CreditPool:
        """Put new credits (1 to 10^15) into the pool and return it with its totals.

        Args:
            kind: grant, purchase or refresh.
            purchase_amount: what they cost, in the plan's currency; counted for purchases only.

        Raises:
            AmountOutOfRange, BalanceLimit: see ``functions.add_credits_to_pool``.
        """
        origin = functions.Origin(actor, request_id, idempotency_key, body_hash)
        with transaction.atomic():
            functions.add_credits_to_pool(
                org_id=org_id,
                credits=credits,
                kind=kind,
                amount=purchase_amount,
                origin=origin,
                notes=notes,
            )
            return self.of(org_id)

    def set_entitlement(
        self,
        *,
        org_id: UUID,
        spending_until: datetime | None,
        price_plan: str | None,
        next_price_plan: str | None = None,
        next_price_plan_at: datetime | None = None,
    ) -> None:
        """Keep what the subscription lets the organization spend, and at which plan's prices.

        The charge compares these with the database's clock, so that no late job lets anyone spend.

        Raises:
            NoCreditPool: there is none.
        """
        self._write(
            org_id,
            spending_until=spending_until,
            price_plan=price_plan,
            next_price_plan=next_price_plan,
            next_price_plan_at=next_price_plan_at,
        )

    def set_suspended(self, org_id: UUID, *, suspended: bool) -> None:
        """Forbid or allow spending whatever the subscription says.

        Raises:
            NoCreditPool: there is none.
        """
        self._write(org_id, is_suspended=suspended)

    def _write(self, org_id: UUID, **columns: Any) -> None:
        with transaction.atomic():
            pool = self.lock(org_id)
            self.filter(org_id=org_id, pk=pool.pk).update(**columns, updated_at=now())
