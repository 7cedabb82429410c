"""One organization's whole state and its broken equations, in one statement and one round trip."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection

STATE = """
    json_build_object(
        'pool', (SELECT json_build_array(total_credits, allocated_credits, available_credits,
            overage_used, overage_used_period, allow_overage, overage_limit, overage_period_start,
            overage_period_end, monthly_refresh_amount, next_refresh_date) FROM p),
        'allocations', (SELECT json_object_agg(user_id, json_build_array(budget_credits,
            used_credits, held_credits, remaining_credits, lifetime_used_credits, reset_period,
            is_active, last_reset_date, next_reset_date)) FROM a),
        'holds', (SELECT json_object_agg(id, json_build_array(user_id, credits, overage_credits,
            captured_credits, released_credits, expired_credits, overage_returned, status,
            expires_at)) FROM h),
        'usage', (SELECT json_build_array(count(*), coalesce(sum(credits_used), 0),
            coalesce(sum(overage_credits), 0)) FROM u),
        'journal', (SELECT json_build_array(count(*) FILTER (WHERE kind = 'reset'),
            count(*) FILTER (WHERE kind = 'refresh')) FROM j),
        'overage', (SELECT json_agg(json_build_array(period_end, credits) ORDER BY period_end)
            FROM overage_periods WHERE org_id = $1)
    )
"""

#: Each is true when it is broken.
EQUATIONS = {
    "total = available + remaining + held + lifetime used - overage": """
        (SELECT p.total_credits <> p.available_credits + s.remaining + s.held + s.lifetime
            - p.overage_used FROM p, s)""",
    "total = granted - expired - withdrawn": """
        (SELECT p.total_credits <> coalesce((SELECT sum(CASE WHEN from_bucket = 'outside'
            THEN credits WHEN to_bucket IN ('expired', 'withdrawn') THEN -credits END) FROM j), 0)
        FROM p)""",
    "allocated = given": "(SELECT p.allocated_credits <> s.given FROM p, s)",
    "available = total - allocated": """
        (SELECT available_credits <> total_credits - allocated_credits FROM p)""",
    "lifetime used = usage": "EXISTS (SELECT FROM f WHERE lifetime_used_credits <> spent)",
    "used = usage since the reset": "EXISTS (SELECT FROM f WHERE used_credits <> spent_lately)",
    "held = what pending holds have left": "EXISTS (SELECT FROM f WHERE held_credits <> open)",
    "remaining + held = given - spent + overage": """
        EXISTS (SELECT FROM f WHERE remaining_credits + held_credits
            <> given - spent + overage_spent + overage_held)""",
    "overage = usage and holds": "(SELECT p.overage_used <> s.overage FROM p, s)",
    "overage of the period within the limit": """
        (SELECT overage_used_period NOT BETWEEN 0 AND least(overage_limit, overage_used) FROM p)""",
    "captured = captures": """
        EXISTS (SELECT FROM h WHERE captured_credits <> coalesce((
            SELECT sum(credits_used) FROM u WHERE u.hold_id = h.id), 0))""",
    "a closed hold adds up": """
        EXISTS (SELECT FROM h WHERE status <> 'pending'
            AND credits <> captured_credits + released_credits + expired_credits)""",
    "refunds within the charge": """
        EXISTS (SELECT FROM u JOIN u AS o ON o.id = u.refund_of
            GROUP BY o.id, o.credits_used, o.overage_credits
            HAVING -sum(u.credits_used) > o.credits_used
                OR -sum(u.overage_credits) > o.overage_credits)""",
    "one reset and one refresh a period": """
        EXISTS (SELECT FROM j WHERE kind IN ('reset', 'refresh')
            GROUP BY kind, allocation_id, period_start HAVING count(*) > 1)""",
    "no key twice": """
        EXISTS (SELECT FROM u WHERE idempotency_key IS NOT NULL
            GROUP BY operation, idempotency_key HAVING count(*) > 1)""",
    "nothing below zero": """
        (EXISTS (SELECT FROM p WHERE least(total_credits, allocated_credits, available_credits,
            overage_used, overage_used_period) < 0)
        OR EXISTS (SELECT FROM a WHERE least(budget_credits, used_credits, held_credits,
            remaining_credits, lifetime_used_credits) < 0))""",
    "an active allocation only for a member": """
        EXISTS (SELECT FROM a WHERE is_active AND NOT EXISTS (
            SELECT FROM organization_members m WHERE m.org_id = a.org_id
                AND m.user_id = a.user_id))""",
    "a former member has nothing left": """
        EXISTS (SELECT FROM a WHERE NOT is_active AND remaining_credits + budget_credits <> 0)""",
}

QUERY = f"""
    WITH p AS MATERIALIZED (SELECT * FROM organization_credit_pools WHERE org_id = $1),
    a AS MATERIALIZED (SELECT * FROM user_credit_allocations WHERE org_id = $1),
    h AS MATERIALIZED (SELECT * FROM credit_holds WHERE org_id = $1),
    u AS MATERIALIZED (
        SELECT id, allocation_id, credits_used, overage_credits, operation, hold_id, refund_of_id AS refund_of,
            created_at, idempotency_key
        FROM credit_usage_attribution WHERE org_id = $1
    ),
    j AS MATERIALIZED (
        SELECT kind, from_bucket, to_bucket, credits, allocation_id, period_start
        FROM credit_journal WHERE org_id = $1
    ),
    given AS (
        SELECT allocation_id, sum(CASE WHEN to_bucket = 'remaining' THEN credits
            WHEN from_bucket = 'remaining' THEN -credits END) AS credits
        FROM j WHERE allocation_id IS NOT NULL GROUP BY allocation_id
    ),
    spent AS (
        SELECT u.allocation_id, sum(u.credits_used) AS credits,
            sum(u.overage_credits) FILTER (WHERE u.operation <> 'capture') AS overage,
            sum(u.credits_used) FILTER (WHERE a.last_reset_date IS NULL
                OR coalesce(o.created_at, u.created_at) >= a.last_reset_date) AS lately
        FROM u JOIN a ON a.id = u.allocation_id LEFT JOIN u AS o ON o.id = u.refund_of
        GROUP BY u.allocation_id
    ),
    held AS (
        SELECT allocation_id, sum(overage_credits - overage_returned) AS overage,
            sum(credits - captured_credits) FILTER (WHERE status = 'pending') AS credits
        FROM h GROUP BY allocation_id
    ),
    f AS MATERIALIZED (
        SELECT a.*, coalesce(given.credits, 0) AS given, coalesce(spent.credits, 0) AS spent,
            coalesce(spent.overage, 0) AS overage_spent, coalesce(spent.lately, 0) AS spent_lately,
            coalesce(held.overage, 0) AS overage_held, coalesce(held.credits, 0) AS open
        FROM a
        LEFT JOIN given ON given.allocation_id = a.id
        LEFT JOIN spent ON spent.allocation_id = a.id
        LEFT JOIN held ON held.allocation_id = a.id
    ),
    s AS (
        SELECT coalesce(sum(remaining_credits), 0) AS remaining, coalesce(sum(given), 0) AS given,
            coalesce(sum(held_credits), 0) AS held, coalesce(sum(lifetime_used_credits), 0) AS lifetime,
            coalesce(sum(overage_spent + overage_held), 0) AS overage
        FROM f
    )
    SELECT {STATE}, ARRAY[{",".join(EQUATIONS.values())}]
"""


def prepare() -> None:
    """Plans are made once, and by the indexes: rolled back rows make every table look both empty and large."""
    connection.ensure_connection()
    # What psycopg prepares by itself it gives up at each ROLLBACK TO SAVEPOINT, and all else with it.
    connection.connection.prepare_threshold = None
    connection.connection._prepared.clear()
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.execute("SET jit = off")
        cursor.execute("DEALLOCATE ALL")
        cursor.execute(f"PREPARE whole_state (uuid) AS {QUERY}")


def look(org_id: UUID) -> tuple[dict[str, Any], list[str]]:
    """The state, and the names of the equations that don't hold."""
    # Not Django's cursor: it has nothing to do here but to cost time.
    row = connection.connection.execute(f"EXECUTE whole_state ('{org_id}')").fetchone()
    return row[0], [name for name, broken in zip(EQUATIONS, row[1], strict=True) if broken]


def broken(org_id: UUID) -> list[str]:
    """The equations that don't hold, asked on any connection."""
    with connection.cursor() as cursor:
        cursor.execute(QUERY.replace("$1", f"'{org_id}'::uuid"))
        found = cursor.fetchone()[1]
    return [name for name, wrong in zip(EQUATIONS, found, strict=True) if wrong]
