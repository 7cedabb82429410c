"""Equations of balances: what a row keeps is what other rows say.

The sums are taken over whole tables at once, so that a million rows are read once for each equation and never
row by row. Sums of BIGINTs are NUMERIC in PostgreSQL: nothing overflows, however wrong a balance is.
"""

from __future__ import annotations

from typing import Final

from credits.verification.check import Check

BALANCES: Final = (
    Check(
        "pool_present",
        "Whoever has allocations or journal rows has a pool.",
        "pools",
        """
SELECT seen.org_id, seen.org_id AS row_id, 'a pool' AS expected, 'none' AS found
FROM (SELECT org_id FROM {allocations} UNION SELECT org_id FROM {journal}) AS seen
LEFT JOIN {pools} AS pool ON pool.org_id = seen.org_id
WHERE pool.org_id IS NULL
""",
    ),
    Check(
        "conservation",
        "Pool: total = available + members' remaining + held + lifetime used - lifetime overage.",
        "pools",
        """
SELECT pool.org_id, pool.id AS row_id,
    pool.available_credits + coalesce(a.remaining + a.held + a.used, 0) - pool.overage_used AS expected,
    pool.total_credits AS found
FROM {pools} AS pool
LEFT JOIN (
    SELECT org_id, sum(remaining_credits) AS remaining, sum(held_credits) AS held,
        sum(lifetime_used_credits) AS used
    FROM {allocations} AS a GROUP BY org_id
) AS a ON a.org_id = pool.org_id
""",
    ),
    Check(
        "pool_total",
        "Pool: total = everything granted, purchased and refreshed - expired - withdrawn.",
        "pools",
        """
SELECT pool.org_id, pool.id AS row_id, coalesce(j.credits, 0) AS expected, pool.total_credits AS found
FROM {pools} AS pool
LEFT JOIN (
    SELECT org_id, sum(CASE WHEN from_bucket = 'outside' THEN credits
        WHEN to_bucket IN ('expired', 'withdrawn') THEN -credits END) AS credits
    FROM {journal} AS j GROUP BY org_id
) AS j ON j.org_id = pool.org_id
""",
    ),
    Check(
        "pool_allocated",
        "Pool: allocated = everything moved to members - everything that came back.",
        "pools",
        """
SELECT pool.org_id, pool.id AS row_id, coalesce(j.credits, 0) AS expected, pool.allocated_credits AS found
FROM {pools} AS pool
LEFT JOIN (
    SELECT org_id, sum(CASE WHEN to_bucket = 'remaining' THEN credits
        WHEN from_bucket = 'remaining' THEN -credits END) AS credits
    FROM {journal} AS j GROUP BY org_id
) AS j ON j.org_id = pool.org_id
""",
    ),
    Check(
        "pool_available",
        "Pool: available = total - allocated = what the journal moved there - what it took.",
        "pools",
        """
SELECT pool.org_id, pool.id AS row_id,
    CASE WHEN pool.available_credits = pool.total_credits - pool.allocated_credits
        THEN coalesce(j.credits, 0) ELSE pool.total_credits - pool.allocated_credits END AS expected,
    pool.available_credits AS found
FROM {pools} AS pool
LEFT JOIN (
    SELECT org_id, sum(CASE WHEN to_bucket = 'available' THEN credits
        WHEN from_bucket = 'available' THEN -credits END) AS credits
    FROM {journal} AS j GROUP BY org_id
) AS j ON j.org_id = pool.org_id
""",
    ),
    Check(
        "pool_overage",
        "Pool: lifetime overage = what charges drew - what refunds gave back + what holds drew and didn't return.",
        "pools",
        """
SELECT pool.org_id, pool.id AS row_id, coalesce(u.credits, 0) + coalesce(h.credits, 0) AS expected,
    pool.overage_used AS found
FROM {pools} AS pool
LEFT JOIN (
    SELECT org_id, sum(overage_credits) AS credits FROM {usage} AS u
    WHERE operation <> 'capture' AND overage_credits <> 0 GROUP BY org_id
) AS u ON u.org_id = pool.org_id
LEFT JOIN (
    SELECT org_id, sum(overage_credits) - sum(overage_returned) AS credits FROM {holds} AS h
    WHERE overage_credits <> 0 OR overage_returned <> 0 GROUP BY org_id
) AS h ON h.org_id = pool.org_id
""",
    ),
    Check(
        "overage_periods",
        "Pool: lifetime overage = this period's + that of the closed periods.",
        "pools",
        """
SELECT pool.org_id, pool.id AS row_id, pool.overage_used_period + coalesce(o.credits, 0) AS expected,
    pool.overage_used AS found
FROM {pools} AS pool
LEFT JOIN (SELECT org_id, sum(credits) AS credits FROM {overages} AS o GROUP BY org_id) AS o
    ON o.org_id = pool.org_id
""",
    ),
    Check(
        "overage_within_limit",
        "Pool: 0 <= this period's overage <= its limit, and <= the lifetime's.",
        "pools",
        """
SELECT pool.org_id, pool.id AS row_id,
    '0 to ' || least(pool.overage_limit, pool.overage_used) AS expected,
    pool.overage_used_period::text AS found
FROM {pools} AS pool
WHERE pool.overage_used_period NOT BETWEEN 0 AND least(pool.overage_limit, pool.overage_used)
""",
    ),
    Check(
        "allocation_lifetime",
        "Allocation: lifetime used = its usage rows, refunds counting down.",
        "allocations",
        """
SELECT a.org_id, a.id AS row_id, coalesce(u.credits, 0) AS expected, a.lifetime_used_credits AS found
FROM {allocations} AS a
LEFT JOIN (
    SELECT org_id, allocation_id, sum(credits_used) AS credits FROM {usage} AS u GROUP BY org_id, allocation_id
) AS u ON u.org_id = a.org_id AND u.allocation_id = a.id
""",
    ),
    Check(
        "allocation_remaining",
        "Allocation: remaining + held = given - used + the overage that paid for some of it.",
        "allocations",
        """
SELECT a.org_id, a.id AS row_id,
    coalesce(j.credits, 0) - coalesce(u.credits, 0) + coalesce(u.overage, 0) + coalesce(h.overage, 0) AS expected,
    a.remaining_credits::numeric + a.held_credits AS found
FROM {allocations} AS a
LEFT JOIN (
    SELECT org_id, allocation_id, sum(CASE WHEN to_bucket = 'remaining' THEN credits
        WHEN from_bucket = 'remaining' THEN -credits END) AS credits
    FROM {journal} AS j WHERE allocation_id IS NOT NULL GROUP BY org_id, allocation_id
) AS j ON j.org_id = a.org_id AND j.allocation_id = a.id
LEFT JOIN (
    SELECT org_id, allocation_id, sum(credits_used) AS credits,
        sum(CASE WHEN operation <> 'capture' THEN overage_credits END) AS overage
    FROM {usage} AS u GROUP BY org_id, allocation_id
) AS u ON u.org_id = a.org_id AND u.allocation_id = a.id
LEFT JOIN (
    SELECT org_id, allocation_id, sum(overage_credits) - sum(overage_returned) AS overage
    FROM {holds} AS h GROUP BY org_id, allocation_id
) AS h ON h.org_id = a.org_id AND h.allocation_id = a.id
""",
    ),
    Check(
        "allocation_held",
        "Allocation: held = what its pending holds reserve and have not captured.",
        "allocations",
        """
SELECT a.org_id, a.id AS row_id, coalesce(h.credits, 0) AS expected, a.held_credits AS found
FROM {allocations} AS a
LEFT JOIN (
    SELECT org_id, allocation_id, sum(credits) - sum(captured_credits) AS credits
    FROM {holds} AS h WHERE status = 'pending' GROUP BY org_id, allocation_id
) AS h ON h.org_id = a.org_id AND h.allocation_id = a.id
""",
    ),
    Check(
        "allocation_used",
        "Allocation: used = lifetime used - what closed periods used + what was refunded of them later.",
        "allocations",
        """
SELECT a.org_id, a.id AS row_id,
    a.lifetime_used_credits - coalesce(j.credits, 0) + coalesce(late.credits, 0) AS expected, a.used_credits AS found
FROM {allocations} AS a
LEFT JOIN (
    SELECT org_id, allocation_id, sum(period_used_credits) AS credits
    FROM {journal} AS j WHERE kind = 'reset' GROUP BY org_id, allocation_id
) AS j ON j.org_id = a.org_id AND j.allocation_id = a.id
LEFT JOIN (
    SELECT r.org_id, r.allocation_id, -sum(r.credits_used) AS credits
    FROM {usage} AS r
    JOIN {usage} AS u ON u.org_id = r.org_id AND u.id = r.refund_of_id
    WHERE r.refund_of_id IS NOT NULL AND EXISTS (
        SELECT FROM {journal} AS j
        WHERE j.org_id = r.org_id AND j.allocation_id = r.allocation_id AND j.kind = 'reset'
            AND j.period_start > u.created_at AND j.period_start <= r.created_at
    )
    GROUP BY r.org_id, r.allocation_id
) AS late ON late.org_id = a.org_id AND late.allocation_id = a.id
""",
    ),
    Check(
        "hold_captured",
        "Hold: captured = its capture rows.",
        "holds",
        """
SELECT h.org_id, h.id AS row_id, coalesce(u.credits, 0) AS expected, h.captured_credits AS found
FROM {holds} AS h
LEFT JOIN (
    SELECT org_id, hold_id, sum(credits_used) AS credits
    FROM {usage} AS u WHERE operation = 'capture' GROUP BY org_id, hold_id
) AS u ON u.org_id = h.org_id AND u.hold_id = h.id
""",
    ),
    Check(
        "hold_settled",
        "Hold: settled, amount = captured + released + expired and it says when; pending, nothing but captured.",
        "holds",
        """
SELECT h.org_id, h.id AS row_id,
    CASE WHEN h.status = 'pending' THEN h.credits || ' at most, nothing settled' ELSE h.credits || ', settled' END
        AS expected,
    h.captured_credits || ' captured, ' || h.released_credits || ' released, ' || h.expired_credits || ' expired'
        || CASE WHEN h.settled_at IS NULL THEN '' ELSE ', settled' END AS found
FROM {holds} AS h
WHERE CASE WHEN h.status = 'pending'
    THEN h.captured_credits > h.credits OR h.released_credits <> 0 OR h.expired_credits <> 0
        OR h.overage_returned <> 0 OR h.settled_at IS NOT NULL
    ELSE h.credits <> h.captured_credits::numeric + h.released_credits + h.expired_credits OR h.settled_at IS NULL
        OR h.status NOT IN ('captured', 'released', 'expired')
    END
    OR least(h.captured_credits, h.released_credits, h.expired_credits) < 0
""",
    ),
    Check(
        "hold_overage",
        "Hold: 0 <= overage returned <= overage drawn <= amount.",
        "holds",
        """
SELECT h.org_id, h.id AS row_id, '0 <= returned <= drawn <= ' || h.credits AS expected,
    h.overage_returned || ' returned, ' || h.overage_credits || ' drawn' AS found
FROM {holds} AS h
WHERE h.overage_returned NOT BETWEEN 0 AND h.overage_credits OR h.overage_credits > h.credits
""",
    ),
    Check(
        "refunds_bounded",
        "Usage: its refunds are at most what it charged.",
        "usage",
        """
SELECT u.org_id, u.id AS row_id, 'at most ' || u.credits_used AS expected, r.credits::text AS found
FROM (
    SELECT org_id, refund_of_id, -sum(credits_used) AS credits
    FROM {usage} AS r WHERE refund_of_id IS NOT NULL GROUP BY org_id, refund_of_id
) AS r
JOIN {usage} AS u ON u.org_id = r.org_id AND u.id = r.refund_of_id
WHERE r.credits > u.credits_used
""",
    ),
    Check(
        "refunded_overage_bounded",
        "Usage: the overage that its refunds gave back is at most what it drew.",
        "usage",
        """
SELECT u.org_id, u.id AS row_id, 'at most ' || u.overage_credits AS expected, r.credits::text AS found
FROM (
    SELECT org_id, refund_of_id, -sum(overage_credits) AS credits
    FROM {usage} AS r WHERE refund_of_id IS NOT NULL GROUP BY org_id, refund_of_id
) AS r
JOIN {usage} AS u ON u.org_id = r.org_id AND u.id = r.refund_of_id
WHERE r.credits > u.overage_credits
""",
    ),
)
