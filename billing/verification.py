"""Equations over billing's tables, for the run that proves the whole ledger."""

from __future__ import annotations

from typing import Final

from credits.verification import LEDGER, Check, once

BILLING: Final = (
    Check(
        "one_live_subscription",
        "Subscription: at most one that is not canceled an organization.",
        "subscriptions",
        """
SELECT s.org_id, s.id AS row_id, '1 live' AS expected, live.number || ' live' AS found
FROM (
    SELECT org_id, count(*) AS number FROM {subscriptions} AS s
    WHERE status <> 'canceled' GROUP BY org_id HAVING count(*) > 1
) AS live
JOIN {subscriptions} AS s ON s.org_id = live.org_id AND s.status <> 'canceled'
""",
    ),
    Check(
        "overage_charged",
        "Billing history: an overage charge is of a closed overage period, once, credits x rate to the cent.",
        "history",
        """
SELECT h.org_id, h.id AS row_id,
    coalesce('1 x ' || round(o.credits * o.rate, 2), 'a closed period') AS expected,
    CASE WHEN o.id IS NULL THEN 'none'
        ELSE count(*) OVER (PARTITION BY h.org_id, h.period_end) || ' x ' || h.amount END AS found
FROM {history} AS h
LEFT JOIN {overages} AS o ON o.org_id = h.org_id AND o.period_end = h.period_end
    AND o.period_start IS NOT DISTINCT FROM h.period_start
WHERE h.event_type = 'overage_charge'
""",
    ),
    # A later one may wait for a job; what ended before the current period was billed with its beginning.
    Check(
        "overage_billed",
        "Overage: a closed period that ended before the subscription's current period began is billed.",
        "overages",
        """
SELECT o.org_id, o.id AS row_id, 'billed' AS expected, 'not billed' AS found
FROM {overages} AS o
JOIN (
    SELECT org_id, max(current_period_start) AS began FROM {subscriptions} AS s GROUP BY org_id
) AS s ON s.org_id = o.org_id AND s.began >= o.period_end
WHERE NOT EXISTS (
    SELECT FROM {history} AS h
    WHERE h.org_id = o.org_id AND h.event_type = 'overage_charge' AND h.period_end = o.period_end
)
""",
    ),
    Check(
        "invoice_numbers",
        "Invoices: an organization's numbers are 1, 2, 3 and so on, without a gap.",
        "invoices",
        """
SELECT i.org_id, i.id AS row_id,
    (row_number() OVER (PARTITION BY i.org_id ORDER BY i.number, i.id))::text AS expected, i.number::text AS found
FROM {invoices} AS i
""",
    ),
    Check(
        "invoice_payment",
        "Invoice: it is of a payment of its own organization, the only one of it, and of its amount.",
        "invoices",
        """
SELECT i.org_id, i.id AS row_id, coalesce('1 x ' || p.amount || ' ' || p.currency, 'a payment') AS expected,
    count(*) OVER (PARTITION BY i.org_id, i.payment_id) || ' x '
        || coalesce(i.document ->> 'total', '?') || ' ' || coalesce(i.document ->> 'currency', '?') AS found
FROM {invoices} AS i
LEFT JOIN {payments} AS p ON p.org_id = i.org_id AND p.id = i.payment_id
""",
    ),
    # What came for a payment that was settled otherwise is marked as a duplicate.
    Check(
        "money_settles",
        "Payment attempt: the money of one that succeeded settled its payment, of the same amount, or is a duplicate.",
        "attempts",
        """
SELECT a.org_id, a.id AS row_id, 'paid ' || a.amount || ' ' || a.currency AS expected,
    coalesce(p.status || ' ' || p.amount || ' ' || p.currency, 'no payment') AS found
FROM {attempts} AS a
LEFT JOIN {payments} AS p ON p.org_id = a.org_id AND p.id = a.payment_id
WHERE a.status = 'succeeded' AND NOT a.duplicate
""",
    ),
    once(
        "history_key_once",
        "Billing history: no key twice for an operation.",
        "history",
        "org_id, operation, idempotency_key",
        "t.idempotency_key IS NOT NULL",
    ),
)

#: Every equation there is: the ledger's and billing's.
EVERY: Final = (*LEDGER, *BILLING)
