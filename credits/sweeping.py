"""What time brings, applied by a job: so that reports and people see it although nobody spends.

No decision waits for it: whoever decides about credits applies the same under the same locks first. Each organization
is a transaction of its own, so that a sweep can run twice, at the same time as another, late, or be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import DatabaseError

from credits import functions, metrics
from credits.choices import HoldStatus
from credits.models import Allocation, CreditPool, Hold, Refusal, StoredAnswer
from orgbilling.lib.after_commit import after_commit
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.transactions import run

logger = structlog.stdlib.get_logger(__name__)

#: Allocations settled in one transaction: their locks are held together.
AT_ONCE = 100
REFUSALS_KEPT = timedelta(days=30)
REQUEST_ID = "sweep"
#: Lines about holds in one transaction.
HOLDS_TOLD = 1_000


def reset_due(limit: int = 500) -> int:
    """Open the current period of allocations whose period has ended; returns how many were looked at.

    Args:
        limit: at most this many organizations.
    """
    due = Allocation.objects.filter(is_active=True, next_reset_date__lte=database_now())
    return _settle(due.order_by().values_list("org_id", flat=True).distinct()[:limit])


def expire_holds_due(limit: int = 500) -> int:
    """Settle expired holds; returns how many allocations were looked at."""
    due = Hold.objects.filter(status="pending", expires_at__lte=database_now())
    return _settle(due.order_by().values_list("org_id", flat=True).distinct()[:limit])


def refresh_due(limit: int = 500) -> int:
    """Grant elapsed monthly refreshes; returns how many organizations were looked at."""
    due = CreditPool.objects.filter(next_refresh_date__lte=database_now())
    org_ids = list(due.order_by("next_refresh_date").values_list("org_id", flat=True)[:limit])
    _settle(org_ids)
    return len(org_ids)


def close_overage_due(limit: int = 500) -> int:
    """Close ended overage periods; returns how many organizations were looked at."""
    due = CreditPool.objects.filter(overage_period_end__lte=database_now())
    org_ids = list(due.order_by("overage_period_end").values_list("org_id", flat=True)[:limit])
    _settle(org_ids)
    return len(org_ids)


def purge_refusals() -> int:
    """Forget refusals of more than 30 days ago; returns how many rows."""
    day = (database_now() - REFUSALS_KEPT).date()
    return Refusal.objects.filter(day__lt=day).delete()[0]


def purge_answers() -> int:
    """Free the keys of refusals (402) whose seven days have passed; returns how many."""
    return StoredAnswer.objects.filter(expires_at__lte=database_now()).delete()[0]


def _settle(org_ids: Iterable[UUID]) -> int:
    """One organization's trouble is logged and must not keep the others waiting."""
    return sum(_guarded(org_id) for org_id in org_ids)


def _guarded(org_id: UUID) -> int:
    try:
        return _organization(org_id)
    except (OrgBillingError, DatabaseError):
        logger.exception("ledger.not_settled", org_id=org_id)
        return 0


def _organization(org_id: UUID) -> int:
    total = 0
    while True:
        count = run(lambda: _some(org_id))
        total += count
        if count < AT_ONCE:
            return total


def _some(org_id: UUID) -> int:
    elapsed = Hold.objects.filter(
        org_id=org_id, status=HoldStatus.PENDING, expires_at__lte=database_now()
    )
    due = list(elapsed.values_list("pk", flat=True)[:HOLDS_TOLD])
    count = functions.settle_due(org_id=org_id, limit=AT_ONCE, request_id=REQUEST_ID)
    for hold in Hold.objects.filter(org_id=org_id, pk__in=due, status=HoldStatus.EXPIRED):
        after_commit(metrics.EXPIRED.inc)
        after_commit(
            logger.info,
            "hold.expired",
            org_id=org_id,
            user_id=hold.user_id,
            hold_id=hold.pk,
            service_name=hold.service_name,
            credits_released=hold.expired_credits,
        )
    return count
