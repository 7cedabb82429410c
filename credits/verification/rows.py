"""Equations of single rows: each is possible, stands once, and belongs where it points."""

from __future__ import annotations

from typing import Final

from credits.choices import TRANSFERS
from credits.verification.check import Check

_MOVEMENTS: Final = ", ".join(
    f"('{kind.value}', '{source.value}', '{target.value}')"
    for kind, (source, target) in TRANSFERS.items()
)


def once(name: str, says: str, table: str, columns: str, condition: str) -> Check:
    """No two rows of a table that are alike in ``columns``, among those of ``condition``."""
    return Check(
        name,
        says,
        table,
        f"""
SELECT t.org_id, t.id AS row_id, '1 row' AS expected, twice.number || ' rows' AS found
FROM (
    SELECT {columns}, count(*) AS number FROM {{{table}}} AS t
    WHERE {condition} GROUP BY {columns} HAVING count(*) > 1
) AS twice
JOIN {{{table}}} AS t USING ({columns})
WHERE {condition}
""",  # noqa: S608 - nothing here comes from outside
    )


ROWS: Final = (
    Check(
        "pool_not_negative",
        "Pool: no balance is below zero.",
        "pools",
        """
SELECT org_id, id AS row_id, 'at least 0' AS expected, worst::text AS found
FROM (
    SELECT org_id, id, least(total_credits, allocated_credits, available_credits, overage_used,
        overage_used_period, lifetime_purchased_credits) AS worst
    FROM {pools} AS pool
) AS pool WHERE worst < 0
""",
    ),
    Check(
        "allocation_not_negative",
        "Allocation: no balance is below zero, and the period's use is within the lifetime's.",
        "allocations",
        """
SELECT org_id, id AS row_id, 'at least 0' AS expected, worst::text AS found
FROM (
    SELECT org_id, id, least(budget_credits, used_credits, held_credits, remaining_credits,
        lifetime_used_credits, lifetime_used_credits - used_credits) AS worst
    FROM {allocations} AS a
) AS a WHERE worst < 0
""",
    ),
    Check(
        "allocation_active_member",
        "Allocation: active only for a member.",
        "allocations",
        """
SELECT a.org_id, a.id AS row_id, 'a membership' AS expected, 'none' AS found
FROM {allocations} AS a
LEFT JOIN {members} AS m ON m.org_id = a.org_id AND m.user_id = a.user_id
WHERE a.is_active AND m.id IS NULL
""",
    ),
    Check(
        "journal_movement",
        "Journal: a known movement of more than nothing.",
        "journal",
        f"""
SELECT org_id, id AS row_id, 'a known movement' AS expected,
    kind || ' of ' || credits || ' from ' || from_bucket || ' to ' || to_bucket AS found
FROM {{journal}} AS j
WHERE (kind, from_bucket, to_bucket) NOT IN (VALUES {_MOVEMENTS})
    OR NOT (credits > 0 OR (credits = 0 AND kind = 'reset'))
""",  # noqa: S608 - a closed list of our own
    ),
    Check(
        "journal_adds_up",
        "Journal: before and after differ by what was moved, and are not below zero.",
        "journal",
        """
SELECT org_id, id AS row_id, kind || ' of ' || credits AS expected,
    'available ' || available_before || ' to ' || available_after
        || coalesce(', remaining ' || remaining_before || ' to ' || remaining_after, '') AS found
FROM {journal} AS j
WHERE NOT coalesce(
    available_before >= 0 AND available_after >= 0
    AND available_after = available_before + CASE WHEN to_bucket = 'available' THEN credits ELSE -credits END
    AND CASE WHEN allocation_id IS NULL THEN coalesce(remaining_before, remaining_after) IS NULL
        ELSE remaining_after = remaining_before + CASE WHEN to_bucket = 'remaining' THEN credits ELSE -credits END
            AND remaining_before >= 0 AND remaining_after >= 0
    END, false)
""",
    ),
    Check(
        "journal_owner",
        "Journal: a row that moves a member's credits names an allocation of its own organization, no other does.",
        "journal",
        """
SELECT j.org_id, j.id AS row_id,
    CASE WHEN 'remaining' IN (j.from_bucket, j.to_bucket) THEN 'an allocation of the organization' ELSE 'none' END
        AS expected,
    coalesce(j.allocation_id::text, 'none') AS found
FROM {journal} AS j
LEFT JOIN {allocations} AS a ON a.org_id = j.org_id AND a.id = j.allocation_id
WHERE CASE WHEN 'remaining' IN (j.from_bucket, j.to_bucket) THEN a.id IS NULL ELSE j.allocation_id IS NOT NULL END
""",
    ),
    once(
        "reset_once",
        "Journal: one reset an allocation and period.",
        "journal",
        "org_id, allocation_id, period_start",
        "t.kind = 'reset'",
    ),
    once(
        "refresh_once",
        "Journal: one refresh an organization and period.",
        "journal",
        "org_id, period_start",
        "t.kind = 'refresh' AND t.period_start IS NOT NULL",
    ),
    once(
        "journal_key_once",
        "Journal: no key twice for a kind of movement.",
        "journal",
        "org_id, kind, idempotency_key",
        "t.idempotency_key IS NOT NULL",
    ),
    Check(
        "usage_amount",
        "Usage: a charge is not negative, a refund is; overage is part of it; remaining is not below zero.",
        "usage",
        """
SELECT org_id, id AS row_id, 'a possible ' || operation AS expected,
    credits_used || ' credits, ' || overage_credits || ' of them overage, ' || remaining_credits || ' remaining'
        AS found
FROM {usage} AS u
WHERE NOT CASE operation
    WHEN 'refund' THEN refund_of_id IS NOT NULL AND credits_used < 0 AND overage_credits BETWEEN credits_used AND 0
    ELSE operation IN ('deduct', 'capture') AND refund_of_id IS NULL AND overage_credits BETWEEN 0 AND credits_used
    END OR remaining_credits < 0
""",
    ),
    Check(
        "usage_price",
        "Usage: a priced charge is price x quantity.",
        "usage",
        """
SELECT org_id, id AS row_id, unit_price || ' x ' || coalesce(quantity::text, 'nothing') AS expected,
    credits_used::text AS found
FROM {usage} AS u
WHERE unit_price IS NOT NULL AND (operation = 'deduct' OR (operation = 'capture' AND quantity IS NOT NULL))
    AND credits_used IS DISTINCT FROM unit_price::numeric * quantity
""",
    ),
    Check(
        "usage_owner",
        "Usage: a row names an allocation of its own organization and user.",
        "usage",
        """
SELECT u.org_id, u.id AS row_id, 'an allocation of the organization and user ' || u.user_id AS expected,
    u.allocation_id::text || coalesce(' of user ' || a.user_id, ', which is not the organization''s') AS found
FROM {usage} AS u
LEFT JOIN {allocations} AS a ON a.org_id = u.org_id AND a.id = u.allocation_id
WHERE a.id IS NULL OR a.user_id <> u.user_id
""",
    ),
    Check(
        "refund_of_charge",
        "Usage: a refund is of a charge of the same organization and allocation.",
        "usage",
        """
SELECT r.org_id, r.id AS row_id, 'a charge of the same allocation' AS expected,
    r.refund_of_id || CASE WHEN u.id IS NULL THEN ', which is not the organization''s'
        ELSE ': ' || u.operation || ' of allocation ' || u.allocation_id END AS found
FROM {usage} AS r
LEFT JOIN {usage} AS u ON u.org_id = r.org_id AND u.id = r.refund_of_id
WHERE r.refund_of_id IS NOT NULL
    AND (u.id IS NULL OR u.refund_of_id IS NOT NULL OR u.allocation_id <> r.allocation_id)
""",
    ),
    Check(
        "capture_of_hold",
        "Usage: a capture is of a hold of the same organization and allocation; nothing else names a hold.",
        "usage",
        """
SELECT u.org_id, u.id AS row_id,
    CASE u.operation WHEN 'capture' THEN 'a hold of the same allocation' ELSE 'no hold' END AS expected,
    coalesce(u.hold_id::text, 'none') || coalesce(' of allocation ' || h.allocation_id, '') AS found
FROM {usage} AS u
LEFT JOIN {holds} AS h ON h.org_id = u.org_id AND h.id = u.hold_id
WHERE (u.operation = 'capture' OR u.hold_id IS NOT NULL)
    AND (u.operation <> 'capture' OR h.id IS NULL OR h.allocation_id <> u.allocation_id)
""",
    ),
    once(
        "usage_key_once",
        "Usage: no key twice for an operation.",
        "usage",
        "org_id, operation, idempotency_key",
        "t.idempotency_key IS NOT NULL",
    ),
    Check(
        "hold_owner",
        "Hold: it names an allocation of its own organization and user.",
        "holds",
        """
SELECT h.org_id, h.id AS row_id, 'an allocation of the organization and user ' || h.user_id AS expected,
    h.allocation_id::text || coalesce(' of user ' || a.user_id, ', which is not the organization''s') AS found
FROM {holds} AS h
LEFT JOIN {allocations} AS a ON a.org_id = h.org_id AND a.id = h.allocation_id
WHERE a.id IS NULL OR a.user_id <> h.user_id
""",
    ),
    once(
        "hold_key_once",
        "Hold: no key twice.",
        "holds",
        "org_id, idempotency_key",
        "t.idempotency_key IS NOT NULL",
    ),
    once(
        "answer_key_once",
        "Stored answer: no key twice for an operation.",
        "answers",
        "org_id, operation, key",
        "true",
    ),
)
