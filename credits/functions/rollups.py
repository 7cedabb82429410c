"""Summing up usage by hour and day."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from credits.functions.calling import many, one

#: Young rows wait: `roll_up_usage` says why five minutes.
BEHIND = """
    SELECT pool.org_id
    FROM organization_credit_pools AS pool
    LEFT JOIN credit_usage_rollups AS rollup ON rollup.org_id = pool.org_id
    WHERE pool.org_id > %s AND (
        EXISTS (
            SELECT 1 FROM credit_usage_attribution AS u
            WHERE u.org_id = pool.org_id AND u.created_at >= coalesce(rollup.rolled_until, '-infinity')
                AND u.created_at < now() - interval '5 minutes'
        )
        OR EXISTS (
            SELECT 1 FROM credit_usage_late AS late
            WHERE late.org_id = pool.org_id AND late.created_at < rollup.rolled_until
        )
    )
    ORDER BY pool.org_id LIMIT %s
"""


class RolledUp(NamedTuple):
    """How many rows a call took, and whether there are more that could be taken now."""

    rows: int
    more: bool


def organizations_to_roll_up(*, after: UUID | None, limit: int) -> list[UUID]:
    """Organizations with usage older than five minutes that isn't summed up, by id, those behind ``after``."""
    return [org_id for (org_id,) in many(BEHIND, [after or UUID(int=0), limit])]


def roll_up_usage(*, org_id: UUID, rows: int) -> RolledUp:
    """Sum up about so many rows of an organization; what is too young, or may still appear, isn't taken.

    Raises:
        AmountOutOfRange: fewer than one row.
    """
    taken, more = one("SELECT * FROM public.roll_up_usage(%s,%s)", [org_id, rows])
    return RolledUp(int(taken), bool(more))


def forget_usage_rollup(*, org_id: UUID) -> None:
    """Throw away what is summed up of an organization."""
    one("SELECT public.forget_usage_rollup(%s)", [org_id])
