"""Charges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from credits import functions
from orgbilling.lib.ids import uuid7

if TYPE_CHECKING:
    from credits.models import Usage


class UsageManager(models.Manager["Usage"]):
    """Charges allocations and reads what was charged."""

    def with_refunds(self) -> QuerySet[Usage]:
        """Usage rows with ``refunded_credits``: what their refund rows sum up to."""
        refunds = (
            self.get_queryset()
            .filter(org_id=OuterRef("org_id"), refund_of=OuterRef("pk"))
            .values("refund_of")
            .annotate(total=Sum("credits_used"))
            .values("total")
        )
        refunded = Coalesce(
            Subquery(refunds, output_field=BigIntegerField()),
            Value(0),
            output_field=BigIntegerField(),
        )
        return self.get_queryset().annotate(refunded_credits=-refunded)

    def charge(
        self, charge: functions.Charge, *, usage_id: UUID | None = None
    ) -> functions.Charged:
        """Charge in one statement; the outcome ``needs_pool`` has changed nothing.

        Raises:
            KeyClaimed, AmountOutOfRange: see ``functions.deduct_credits``.
        """
        return functions.deduct_credits(charge, usage_id or uuid7())

    def charge_many(
        self,
        charges: Sequence[functions.Charge],
        *,
        usage_ids: Sequence[UUID],
        lock_timeout_ms: int,
    ) -> list[functions.Charged | None]:
        """Charge many allocations, of any organizations, in one statement; None for what needs another way.

        Args:
            lock_timeout_ms: how long it waits for a lock at most.

        Raises:
            KeyClaimed: see ``functions.deduct_many``; nothing was changed.
        """
        return functions.deduct_many(charges, usage_ids, lock_timeout_ms=lock_timeout_ms)

    def charge_with_pool(
        self, charge: functions.Charge, *, usage_id: UUID | None = None
    ) -> functions.Charged:
        """Charge with the pool locked, or say what forbids it. The caller holds the transaction.

        Raises:
            OrgBillingError: see ``functions.deduct_credits_with_pool``.
        """
        return functions.deduct_credits_with_pool(charge, usage_id or uuid7())
