"""Sums of usage from what is summed up already, exact at every instant.

One statement, of one snapshot, puts three things together: cells of the whole hours and days inside the window; rows at
its edges and since an organization was summed up last; and rows that came late and are noted as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db import connections, router

from credits.models import ServiceCell, Usage, UserCell
from credits.reports.windows import ROWS, Part

CELLS: Final = {"service_name": ServiceCell, "user_id": UserCell}

SQL: Final = """
WITH part AS MATERIALIZED (
    SELECT p.grain, p.since, coalesce(p.until, 'infinity') AS until, p.day
    FROM unnest(%(grains)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[], %(days)s::date[])
        AS p (grain, since, until, day)
),
horizon AS MATERIALIZED (
    SELECT pool.org_id, coalesce(rollup.rolled_until, '-infinity') AS rolled_until
    FROM organization_credit_pools AS pool
    LEFT JOIN credit_usage_rollups AS rollup ON rollup.org_id = pool.org_id AND {of_rollup}
    WHERE {of_pool}
),
found AS (
    SELECT cell.org_id, part.day, cell.starts_at AS at, cell.{dimension} AS name, cell.credits, cell.requests
    FROM part
    CROSS JOIN LATERAL (
        SELECT c.org_id, c.starts_at, c.{dimension}, c.credits, c.requests FROM {cells} AS c
        WHERE c.grain = part.grain AND c.starts_at >= part.since AND c.starts_at < part.until AND {of_cell}
        OFFSET 0  -- As below.
    ) AS cell
    UNION ALL
    SELECT young.org_id, young.day, u.created_at, u.{dimension}, u.credits_used, (u.refund_of_id IS NULL)::int
    FROM (
        SELECT horizon.org_id, part.day, part.until,
            CASE WHEN part.grain = '{rows}' THEN part.since ELSE greatest(part.since, horizon.rolled_until) END AS since
        FROM horizon CROSS JOIN part
        WHERE part.grain = '{rows}' OR part.until > horizon.rolled_until
    ) AS young
    CROSS JOIN LATERAL (
        SELECT u.created_at, u.{dimension}, u.credits_used, u.refund_of_id
        FROM credit_usage_attribution AS u
        WHERE u.org_id = young.org_id AND u.created_at >= young.since AND u.created_at < young.until
            AND {of_row}{only_row}
        OFFSET 0  -- Kept apart: the planner can't know how few they are, and would read the table whole.
    ) AS u
    UNION ALL
    SELECT u.org_id, part.day, u.created_at, u.{dimension}, u.credits_used, (u.refund_of_id IS NULL)::int
    FROM horizon
    JOIN credit_usage_late AS late
        ON late.org_id = horizon.org_id AND late.created_at < horizon.rolled_until AND {of_late}
    JOIN part ON part.grain <> '{rows}' AND late.created_at >= part.since AND late.created_at < part.until
    JOIN credit_usage_attribution AS u ON u.org_id = late.org_id AND u.id = late.usage_id AND {of_row}{only_row}
)
SELECT {groups}, sum(credits)::bigint AS credits_used, sum(requests)::bigint AS request_count
FROM found
GROUP BY {groups}
"""

#: What sums may be grouped by, as an expression of `found`.
DAY: Final = "coalesce(day, (at AT TIME ZONE 'UTC')::date)"
NAME: Final = "name"
ORG: Final = "org_id"


def sums(
    dimension: str,
    groups: Sequence[str],
    pieces: Sequence[Part],
    *,
    org_ids: Sequence[UUID] | None,
    only: str | UUID | None = None,
    around: str = "{}",
) -> list[tuple[Any, ...]]:
    """Rows of the groups, then credits net of refunds and the number of charges. One query.

    Args:
        dimension: ``service_name`` or ``user_id``: what ``NAME`` is, and what ``only`` compares.
        groups: of ``DAY``, ``NAME`` and ``ORG``.
        pieces: of the window, as ``windows.parts`` cuts it.
        org_ids: None: all organizations.
        only: one service or member.
        around: a statement around the sums, where braces stand for them.
    """
    sql = SQL.format(
        rows=ROWS,
        dimension=dimension,
        cells=CELLS[dimension]._meta.db_table,
        groups=", ".join(groups),
        of_pool=_condition("pool.org_id", org_ids),
        of_cell=f"{_condition('c.org_id', org_ids)}{_only(f'c.{dimension}', only)}",
        of_rollup=_alone("rollup.org_id", org_ids),
        of_late=_alone("late.org_id", org_ids),
        of_row=_alone("u.org_id", org_ids),
        only_row=_only(f"u.{dimension}", only),
    )
    values: dict[str, Any] = {
        "grains": [piece.grain for piece in pieces],
        "since": [piece.since for piece in pieces],
        "until": [piece.until for piece in pieces],
        "days": [piece.day for piece in pieces],
        "org": org_ids[0] if org_ids is not None and len(org_ids) == 1 else None,
        "orgs": list(org_ids or ()),
        "only": only,
    }
    with connections[router.db_for_read(Usage)].cursor() as cursor:
        cursor.execute(around.replace("{}", sql), values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _condition(column: str, org_ids: Sequence[UUID] | None) -> str:
    if org_ids is None:
        return "true"
    # One by itself is an equality, by which a distributed database knows the node.
    return f"{column} = %(org)s" if len(org_ids) == 1 else f"{column} = ANY(%(orgs)s)"


def _alone(column: str, org_ids: Sequence[UUID] | None) -> str:
    # What follows from the join: a distributed database doesn't see it there, and refuses the statement.
    return _condition(column, org_ids) if org_ids is not None and len(org_ids) == 1 else "true"


def _only(column: str, only: str | UUID | None) -> str:
    return "" if only is None else f" AND {column} = %(only)s"
