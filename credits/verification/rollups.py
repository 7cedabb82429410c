"""Equations of summed-up usage: every cell is the sum of its rows."""

from __future__ import annotations

from typing import Final

from credits.verification.check import Check

_CELL: Final = "to_char({at} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI\"Z\" ')"
_SUM: Final = "coalesce({credits} || ' credits, ' || {requests} || ' requests', 'none')"


def _compared(cells: str, sums: str, name: str, grain: str) -> str:
    """Cells of one grain beside what they should be, where they differ."""
    at = _CELL.format(at="coalesce(cell.starts_at, right_one.starts_at)")
    return f"""
SELECT coalesce(cell.org_id, right_one.org_id) AS org_id,
    {at} || coalesce(cell.{name}, right_one.{name}) AS row_id,
    {_SUM.format(credits="right_one.credits", requests="right_one.requests")} AS expected,
    {_SUM.format(credits="cell.credits", requests="cell.requests")} AS found
FROM (SELECT * FROM {{{cells}}} AS one WHERE one.grain = '{grain}') AS cell
FULL JOIN ({sums}) AS right_one
    ON right_one.org_id = cell.org_id AND right_one.starts_at = cell.starts_at AND right_one.{name} = cell.{name}
WHERE (cell.credits, cell.requests) IS DISTINCT FROM (right_one.credits, right_one.requests)
"""  # noqa: S608 - nothing here comes from outside


def _hours(name: str) -> str:
    """The rows that are summed up: before the horizon, and not noted as late."""
    return f"""
    SELECT u.org_id, date_trunc('hour', u.created_at, 'UTC') AS starts_at, u.{name},
        sum(u.credits_used) AS credits, count(*) FILTER (WHERE u.refund_of_id IS NULL) AS requests
    FROM {{usage}} AS u
    JOIN {{rollups}} AS rollup ON rollup.org_id = u.org_id AND u.created_at < rollup.rolled_until
    LEFT JOIN {{late}} AS late
        ON late.org_id = u.org_id AND late.created_at = u.created_at AND late.usage_id = u.id
    WHERE late.usage_id IS NULL
    GROUP BY u.org_id, 2, u.{name}
"""  # noqa: S608 - as above


def _days(cells: str, name: str) -> str:
    return f"""
    SELECT hour.org_id, date_trunc('day', hour.starts_at, 'UTC') AS starts_at, hour.{name},
        sum(hour.credits) AS credits, sum(hour.requests) AS requests
    FROM {{{cells}}} AS hour WHERE hour.grain = 'hour' GROUP BY hour.org_id, 2, hour.{name}
"""  # noqa: S608 - as above


ROLLUPS: Final = (
    Check(
        "rollup_service_hours",
        "Summed-up usage: the hours of a service are the sums of its rows, up to the horizon.",
        "service_cells",
        _compared("service_cells", _hours("service_name"), "service_name", "hour"),
    ),
    Check(
        "rollup_user_hours",
        "Summed-up usage: the hours of a member are the sums of their rows, up to the horizon.",
        "user_cells",
        _compared("user_cells", _hours("user_id"), "user_id", "hour"),
    ),
    Check(
        "rollup_service_days",
        "Summed-up usage: the days of a service are the sums of its hours.",
        "service_cells",
        _compared("service_cells", _days("service_cells", "service_name"), "service_name", "day"),
    ),
    Check(
        "rollup_user_days",
        "Summed-up usage: the days of a member are the sums of their hours.",
        "user_cells",
        _compared("user_cells", _days("user_cells", "user_id"), "user_id", "day"),
    ),
)
