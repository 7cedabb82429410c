"""Balances as of any past instant, from the rows that moved credits: journal, usage and holds.

Nothing is stored for it. A movement counts from the moment its row carries, which is when its transaction began. A
hold that nobody settled in time counts as expired from its ``expires_at``, as every reader takes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from credits.errors import NoCreditPool
from credits.models import CreditPool
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class AllocationBalances:
    """One member's credits at an instant."""

    allocation_id: UUID
    user_id: UUID
    remaining_credits: int
    held_credits: int
    lifetime_used_credits: int


@dataclass(frozen=True, slots=True)
class PoolBalances:
    """One organization's credits at an instant.

    total = available + the members' remaining + held + used - overage_used, then as now.
    """

    org_id: UUID
    at: datetime
    total_credits: int
    allocated_credits: int
    available_credits: int
    used_credits: int
    held_credits: int
    overage_used: int


#: What each hold of the organization was at the instant. Overage that a hold drew is kept until it is settled; of an
#: elapsed one that is still pending, what would go back if it were settled now.
HOLDS: Final = """
holds AS (
    SELECT h.allocation_id,
        CASE WHEN h.expires_at > %(at)s AND (h.settled_at IS NULL OR h.settled_at > %(at)s)
            THEN h.credits - coalesce(c.credits, 0) ELSE 0 END AS held,
        h.overage_credits - CASE
            WHEN h.expires_at > %(at)s AND (h.settled_at IS NULL OR h.settled_at > %(at)s) THEN 0
            WHEN h.settled_at IS NOT NULL THEN h.overage_returned
            WHEN pool.overage_period_start > h.created_at THEN 0
            WHEN pool.overage_period_end <= public.billing_now() AND h.expires_at > pool.overage_period_end THEN 0
            ELSE least(h.credits - h.captured_credits, h.overage_credits, pool.overage_used_period)
        END AS overage
    FROM credit_holds AS h
    JOIN organization_credit_pools AS pool ON pool.org_id = h.org_id
    LEFT JOIN (
        SELECT u.hold_id, sum(u.credits_used) AS credits FROM credit_usage_attribution AS u
        WHERE u.org_id = %(org)s AND u.hold_id IS NOT NULL AND u.created_at <= %(at)s GROUP BY u.hold_id
    ) AS c ON c.hold_id = h.id
    WHERE h.org_id = %(org)s AND h.created_at <= %(at)s
)
"""

POOL: Final = f"""
WITH {HOLDS}
SELECT coalesce(j.total, 0), coalesce(j.allocated, 0), coalesce(u.used, 0), coalesce(h.held, 0),
    coalesce(u.overage, 0) + coalesce(h.overage, 0)
FROM (
    SELECT sum(CASE WHEN from_bucket = 'outside' THEN credits
            WHEN to_bucket IN ('expired', 'withdrawn') THEN -credits END) AS total,
        sum(CASE WHEN to_bucket = 'remaining' THEN credits WHEN from_bucket = 'remaining' THEN -credits END)
            AS allocated
    FROM credit_journal WHERE org_id = %(org)s AND created_at <= %(at)s
) AS j, (
    SELECT sum(credits_used) AS used, sum(CASE WHEN operation <> 'capture' THEN overage_credits END) AS overage
    FROM credit_usage_attribution WHERE org_id = %(org)s AND created_at <= %(at)s
) AS u, (SELECT sum(held) AS held, sum(overage) AS overage FROM holds) AS h
"""  # noqa: S608 - no value is part of the text

ALLOCATIONS: Final = f"""
WITH {HOLDS}
SELECT a.id, a.user_id,
    coalesce(j.given, 0) - coalesce(u.used, 0) + coalesce(u.overage, 0) + coalesce(h.overage, 0)
        - coalesce(h.held, 0),
    coalesce(h.held, 0), coalesce(u.used, 0)
FROM user_credit_allocations AS a
LEFT JOIN (
    SELECT allocation_id, sum(CASE WHEN to_bucket = 'remaining' THEN credits ELSE -credits END) AS given
    FROM credit_journal WHERE org_id = %(org)s AND created_at <= %(at)s GROUP BY allocation_id
) AS j ON j.allocation_id = a.id
LEFT JOIN (
    SELECT allocation_id, sum(credits_used) AS used,
        sum(CASE WHEN operation <> 'capture' THEN overage_credits END) AS overage
    FROM credit_usage_attribution WHERE org_id = %(org)s AND created_at <= %(at)s GROUP BY allocation_id
) AS u ON u.allocation_id = a.id
LEFT JOIN (
    SELECT allocation_id, sum(held) AS held, sum(overage) AS overage FROM holds GROUP BY allocation_id
) AS h ON h.allocation_id = a.id
WHERE a.org_id = %(org)s AND a.created_at <= %(at)s
ORDER BY a.user_id
"""  # noqa: S608 - no value is part of the text


def pool_at(org_id: UUID, moment: datetime) -> PoolBalances:
    """The pool's balances at an instant, both ends of the microsecond included.

    Raises:
        InvalidRequest: the instant is in the future.
        NoCreditPool: the organization has no pool.
    """
    _refuse_future(moment)
    if not CreditPool.objects.filter(org_id=org_id).exists():
        raise NoCreditPool
    ((total, allocated, used, held, overage),) = _rows(POOL, org_id, moment)
    return PoolBalances(
        org_id=org_id,
        at=moment,
        total_credits=int(total),
        allocated_credits=int(allocated),
        available_credits=int(total - allocated),
        used_credits=int(used),
        held_credits=int(held),
        overage_used=int(overage),
    )


def allocations_at(org_id: UUID, moment: datetime) -> list[AllocationBalances]:
    """The balances of every allocation that there was at an instant, by user.

    Raises:
        InvalidRequest: the instant is in the future.
    """
    _refuse_future(moment)
    return [
        AllocationBalances(allocation_id, user_id, int(remaining), int(held), int(used))
        for allocation_id, user_id, remaining, held, used in _rows(ALLOCATIONS, org_id, moment)
    ]


def _refuse_future(moment: datetime) -> None:
    if moment > database_now():
        raise InvalidRequest("at", "This instant is in the future. Name a past one.", "future")


def _rows(sql: str, org_id: UUID, moment: datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"org": org_id, "at": moment})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
