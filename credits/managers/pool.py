"""Writes to pools."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from django.apps import apps
from django.db import models, transaction
from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from credits import functions
from credits.choices import JournalKind
from credits.errors import NoCreditPool
from orgbilling.lib.after_commit import after_commit
from orgbilling.lib.clock import database_now, now
from orgbilling.lib.errors import InvalidRequest

if TYPE_CHECKING:
    from credits.models import CreditPool

logger = structlog.stdlib.get_logger(__name__)

#: Who applies what time brings.
SYSTEM = functions.Origin("system", "schedule")

#: Allocations settled together when a period is closed; whoever has overage to give back is always among them.
AT_ONCE = 100

SETTINGS = frozenset(
    {
        "allow_overage",
        "overage_limit",
        "overage_rate",
        "monthly_refresh_amount",
        "account_limit",
        "alert_threshold_percent",
        "alert_threshold_credits",
    }
)


class PoolManager(models.Manager["CreditPool"]):
    """Fills pools and keeps what the subscription allows."""

    def with_totals(self) -> QuerySet[CreditPool]:
        """Pools with ``used_credits`` and ``held_credits``: the sums over their allocations.

        The pool row has no counter of its own for them, so that an ordinary charge needn't touch it. Expired holds
        count as released: ``elapsed_overage`` and ``elapsed_available`` (of former members) are what they give back.
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

        elapsed = apps.get_model("credits", "ElapsedHolds").objects.filter(
            org_id=OuterRef("org_id")
        )
        gone = elapsed.filter(
            allocation_id__in=apps.get_model("credits", "Allocation")
            .objects.filter(org_id=OuterRef(OuterRef("org_id")), is_active=False)
            .values("pk")
        )

        def elapsed_total(rows: QuerySet[Any], column: str) -> Coalesce:
            return Coalesce(
                Subquery(
                    rows.order_by().values("org_id").annotate(total=Sum(column)).values("total"),
                    output_field=BigIntegerField(),
                ),
                Value(0),
                output_field=BigIntegerField(),
            )

        return self.get_queryset().annotate(
            used_credits=total("lifetime_used_credits"),
            held_credits=total("held_credits") - elapsed_total(elapsed, "held_credits"),
            elapsed_overage=elapsed_total(elapsed, "overage_credits"),
            elapsed_available=elapsed_total(gone, "held_credits")
            - elapsed_total(gone, "overage_credits"),
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
        pool = self.select_for_update(no_key=True).filter(org_id=org_id).first()
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
            kind: grant or purchase.
            purchase_amount: what they cost, in the plan's currency; counted for purchases only.

        Raises:
            AmountOutOfRange, BalanceLimit: see ``functions.add_credits_to_pool``.
        """
        origin = functions.Origin(actor, request_id, idempotency_key, body_hash)
        with transaction.atomic():
            available = functions.add_credits_to_pool(
                org_id=org_id,
                credits=credits,
                kind=kind,
                amount=purchase_amount,
                origin=origin,
                notes=notes,
            )
            after_commit(
                logger.info,
                "credits.added",
                org_id=org_id,
                kind=str(kind),
                credits_added=credits,
                available=available,
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

        The charge compares these with the database's clock, so that no late job lets anyone spend. Months that began
        under what the subscription allowed until now get their refresh first.

        Raises:
            NoCreditPool: there is none.
        """
        with transaction.atomic():
            self.refresh_if_due(org_id=org_id, origin=SYSTEM)
            self._write(
                org_id,
                spending_until=spending_until,
                price_plan=price_plan,
                next_price_plan=next_price_plan,
                next_price_plan_at=next_price_plan_at,
            )

    def refresh_if_due(self, *, org_id: UUID, origin: functions.Origin) -> int:
        """Grant elapsed monthly refreshes, each month once; returns how many.

        Raises:
            NoCreditPool: there is none.
        """
        with transaction.atomic():
            self.lock(org_id)
            return functions.refresh_pool_if_due(org_id=org_id, origin=origin)

    def set_overage_period(
        self, *, org_id: UUID, start: datetime | None, end: datetime | None
    ) -> None:
        """Say which period overage is counted and billed by; one that has ended is closed first.

        ``start`` None keeps the one there is.

        Raises:
            NoCreditPool: there is none.
        """
        with transaction.atomic():
            pool = self.lock(org_id)
            self._settle(org_id)
            columns: dict[str, Any] = {"overage_period_end": end}
            if start is not None:
                columns["overage_period_start"] = start
            self.filter(org_id=org_id, pk=pool.pk).update(**columns, updated_at=now())

    def close_overage_period(self, *, org_id: UUID) -> None:
        """Close the overage period if it has ended: what it drew becomes a row to be billed.

        Raises:
            NoCreditPool: there is none.
        """
        with transaction.atomic():
            self.lock(org_id)
            self._settle(org_id)

    @staticmethod
    def _settle(org_id: UUID) -> None:
        """Apply what time has brought, so that what holds gave back in time is not billed."""
        functions.settle_due(org_id=org_id, limit=AT_ONCE, request_id=SYSTEM.request_id)

    def change_settings(self, *, org_id: UUID, **values: Any) -> CreditPool:
        """Change what an organization or an operator decides about a pool, and return it with its totals.

        Args:
            values: of ``SETTINGS``. A new ``monthly_refresh_amount`` counts from the next refresh on; the first one
                comes a month from now, at local midnight; 0 ends them.

        Raises:
            NoCreditPool: there is none.
            InvalidRequest: the overage limit is below what this period has drawn.
            TypeError: a name that is no setting.
        """
        unknown = values.keys() - SETTINGS
        if unknown:
            message = f"no settings of a pool: {', '.join(sorted(unknown))}"
            raise TypeError(message)
        with transaction.atomic():
            self.lock(org_id)
            functions.refresh_pool_if_due(org_id=org_id, origin=SYSTEM)
            functions.close_overage_period(org_id=org_id)
            pool = self.get(org_id=org_id)
            limit = values.get("overage_limit")
            if limit is not None and limit < pool.overage_used_period:
                raise InvalidRequest(
                    "overage_limit",
                    f"This period has drawn {pool.overage_used_period} credits of overage already: "
                    "the limit can't be lower before it ends.",
                    "below_drawn",
                )
            amount = values.get("monthly_refresh_amount")
            if amount is not None:
                values |= self._refresh_columns(pool, amount)
            self.filter(org_id=org_id, pk=pool.pk).update(**values, updated_at=now())
            return self.of(org_id)

    def _refresh_columns(self, pool: CreditPool, amount: int) -> dict[str, Any]:
        if amount == 0:
            return {"refresh_anchor": None, "next_refresh_date": None}
        if pool.next_refresh_date is not None:
            return {}
        moment = database_now()
        return {
            "refresh_anchor": moment,
            "next_refresh_date": functions.first_boundary(org_id=pool.org_id, anchor=moment),
        }

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
