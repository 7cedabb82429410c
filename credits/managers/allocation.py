"""Writes to allocations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog
from django.apps import apps
from django.db import models, transaction
from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from credits import functions
from credits.errors import NoAllocation
from credits.managers.pool import PoolManager
from orgbilling.lib.after_commit import after_commit
from orgbilling.lib.clock import database_now, now

if TYPE_CHECKING:
    from credits.models import Allocation

logger = structlog.stdlib.get_logger(__name__)


#: The columns that say when an allocation is low.
ALERT: Final = ("alert_threshold_percent", "alert_threshold_credits")


class AllocationManager(models.Manager["Allocation"]):
    """Gives members credits and takes back what they leave."""

    def for_display(self) -> QuerySet[Allocation]:
        """Allocations with the organization, the user, and what expired holds still reserve.

        The last is what ``Allocation.current_remaining_credits`` and its like count as released already.
        """
        elapsed = (
            apps.get_model("credits", "ElapsedHolds")
            .objects.filter(org_id=OuterRef("org_id"), allocation_id=OuterRef("pk"))
            .order_by()
        )

        def part(column: str) -> Coalesce:
            return Coalesce(
                Subquery(elapsed.values(column)[:1], output_field=BigIntegerField()),
                Value(0),
                output_field=BigIntegerField(),
            )

        return self.select_related("org", "user").annotate(
            elapsed_held=part("held_credits"), elapsed_overage=part("overage_credits")
        )

    def allocate(
        self,
        *,
        org_id: UUID,
        user_id: UUID,
        credits: int,
        origin: functions.Origin,
        reset_period: str | None = None,
        recurring: bool = True,
        notes: str = "",
    ) -> tuple[Allocation, bool]:
        """Move credits (1 to 10^15) from the pool to a member; returns the allocation and whether it was made.

        Args:
            reset_period: daily, weekly, monthly or never; None keeps what there is, monthly at first.
            recurring: whether each reset restores these credits too.

        Raises:
            InsufficientPoolCredits, NotAMember, NoCreditPool, AmountOutOfRange, BalanceLimit:
                see ``functions.allocate_credits_to_user``.
        """
        with transaction.atomic():
            allocation_id, created = functions.allocate_credits_to_user(
                org_id=org_id,
                user_id=user_id,
                credits=credits,
                reset_period=reset_period,
                recurring=recurring,
                origin=origin,
                notes=notes,
            )
            allocation = self.for_display().get(org_id=org_id, pk=allocation_id)
            after_commit(
                logger.info,
                "credits.allocated",
                org_id=org_id,
                user_id=user_id,
                credits_allocated=credits,
                remaining=allocation.remaining_credits,
            )
            return allocation, created

    def reclaim(
        self,
        *,
        org_id: UUID,
        user_id: UUID,
        origin: functions.Origin,
        credits: int | None = None,
        notes: str = "",
    ) -> Allocation:
        """Take unspent credits (1 to 10^15; None: all that remain) back to the pool and lower the budget by as many.

        Returns the allocation, with ``reclaimed_credits``: what was taken.

        Raises:
            InsufficientCredits, NoAllocation, AllocationInactive, NoCreditPool, AmountOutOfRange:
                see ``functions.reclaim_credits``.
        """
        with transaction.atomic():
            allocation_id, taken = functions.reclaim_credits(
                org_id=org_id, user_id=user_id, credits=credits, origin=origin, notes=notes
            )
            allocation = self.for_display().get(org_id=org_id, pk=allocation_id)
            allocation.reclaimed_credits = taken  # type: ignore[attr-defined]
            after_commit(
                logger.info,
                "credits.reclaimed",
                org_id=org_id,
                user_id=user_id,
                credits_reclaimed=taken,
                remaining=allocation.remaining_credits,
            )
            return allocation

    def change_reset_period(
        self, *, org_id: UUID, user_id: UUID, reset_period: str, origin: functions.Origin
    ) -> tuple[Allocation, str]:
        """Change how often an allocation is filled up; returns it and the period that it had.

        Raises:
            NoAllocation, AllocationInactive, NoCreditPool: see ``functions.change_reset_period``.
        """
        with transaction.atomic():
            allocation_id, before = functions.change_reset_period(
                org_id=org_id, user_id=user_id, reset_period=reset_period, origin=origin
            )
            return self.for_display().get(org_id=org_id, pk=allocation_id), before

    def change_alert(
        self, *, org_id: UUID, user_id: UUID, percent: int | None, least: int | None
    ) -> tuple[Allocation, dict[str, int | None]]:
        """Change when an active allocation is low; returns it and the thresholds that it had.

        Args:
            percent: 0 to 100, of what is allocated; None: no such threshold.
            least: credits, 0 or more; None: no such threshold.

        Raises:
            NoAllocation: the member has none that is active.
        """
        with transaction.atomic():
            rows = self.filter(org_id=org_id, user_id=user_id, is_active=True)
            found = rows.select_for_update(no_key=True).first()
            if found is None:
                raise NoAllocation
            before = {name: getattr(found, name) for name in ALERT}
            after = dict(zip(ALERT, (percent, least), strict=True))
            rows.filter(pk=found.pk).update(**after, updated_at=now())
            return self.for_display().get(org_id=org_id, pk=found.pk), before

    def close(
        self, *, org_id: UUID, user_id: UUID, origin: functions.Origin, notes: str = ""
    ) -> int | None:
        """Return a departing member's unspent credits to the pool; None when there was no active allocation.

        Raises:
            NoCreditPool: the organization has no pool.
        """
        with transaction.atomic():
            returned = functions.close_allocation(
                org_id=org_id, user_id=user_id, origin=origin, notes=notes
            )
            if returned is not None:
                after_commit(
                    logger.info,
                    "credits.returned",
                    org_id=org_id,
                    user_id=user_id,
                    credits_returned=returned,
                )
            return returned

    def reset_if_due(self, *, org_id: UUID, user_id: UUID, origin: functions.Origin) -> bool:
        """Close one member's elapsed period and open the current one; False when none has elapsed.

        Raises:
            NoCreditPool: the organization has no pool.
        """
        pools: PoolManager = apps.get_model("credits", "CreditPool").objects
        with transaction.atomic():
            pools.lock(org_id)
            if (
                not self.select_for_update(no_key=True)
                .filter(org_id=org_id, user_id=user_id)
                .exists()
            ):
                return False
            return functions.reset_allocation_if_due(
                org_id=org_id, user_id=user_id, now=database_now(), origin=origin
            )
