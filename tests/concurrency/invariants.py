"""The ledger's equations as SQL: each query returns the rows that break one."""

from uuid import UUID

from django.db import connection

EQUATIONS = {
    "total = available + remaining + held + used - overage": """
        SELECT p.org_id FROM organization_credit_pools p
        LEFT JOIN (
            SELECT org_id, sum(remaining_credits) AS remaining, sum(held_credits) AS held,
                sum(lifetime_used_credits) AS used
            FROM user_credit_allocations GROUP BY org_id
        ) a ON a.org_id = p.org_id
        WHERE p.org_id = %(org)s AND p.total_credits <> p.available_credits
            + coalesce(a.remaining, 0) + coalesce(a.held, 0) + coalesce(a.used, 0) - p.overage_used
    """,
    "available = total - allocated": """
        SELECT org_id FROM organization_credit_pools
        WHERE org_id = %(org)s AND available_credits <> total_credits - allocated_credits
    """,
    "total = granted - expired - withdrawn": """
        SELECT p.org_id FROM organization_credit_pools p
        WHERE p.org_id = %(org)s AND p.total_credits <> (
            SELECT coalesce(sum(CASE
                WHEN j.from_bucket = 'outside' THEN j.credits
                WHEN j.to_bucket IN ('expired', 'withdrawn') THEN -j.credits ELSE 0 END), 0)
            FROM credit_journal j WHERE j.org_id = p.org_id)
    """,
    "available = what the journal says": """
        SELECT p.org_id FROM organization_credit_pools p
        WHERE p.org_id = %(org)s AND p.available_credits <> (
            SELECT coalesce(sum(CASE WHEN j.to_bucket = 'available' THEN j.credits
                WHEN j.from_bucket = 'available' THEN -j.credits ELSE 0 END), 0)
            FROM credit_journal j WHERE j.org_id = p.org_id)
    """,
    "lifetime used = sum of usage": """
        SELECT a.id FROM user_credit_allocations a
        WHERE a.org_id = %(org)s AND a.lifetime_used_credits <> (
            SELECT coalesce(sum(u.credits_used), 0) FROM credit_usage_attribution u
            WHERE u.org_id = a.org_id AND u.allocation_id = a.id)
    """,
    "remaining = what journal and usage say": """
        SELECT a.id FROM user_credit_allocations a
        WHERE a.org_id = %(org)s AND a.remaining_credits + a.held_credits <> (
            SELECT coalesce(sum(CASE WHEN j.to_bucket = 'remaining' THEN j.credits
                WHEN j.from_bucket = 'remaining' THEN -j.credits ELSE 0 END), 0)
            FROM credit_journal j WHERE j.org_id = a.org_id AND j.allocation_id = a.id
        ) - (
            SELECT coalesce(sum(u.credits_used - u.overage_credits), 0)
            FROM credit_usage_attribution u
            WHERE u.org_id = a.org_id AND u.allocation_id = a.id)
    """,
    "used in the period = lifetime - what closed periods used": """
        SELECT a.id FROM user_credit_allocations a
        WHERE a.org_id = %(org)s AND a.used_credits <> a.lifetime_used_credits - (
            SELECT coalesce(sum(j.period_used_credits), 0) FROM credit_journal j
            WHERE j.org_id = a.org_id AND j.allocation_id = a.id AND j.kind = 'reset')
    """,
    "one reset a period": """
        SELECT allocation_id FROM credit_journal
        WHERE org_id = %(org)s AND kind = 'reset'
        GROUP BY allocation_id, period_start HAVING count(*) > 1
    """,
    "no key twice": """
        SELECT org_id FROM credit_usage_attribution
        WHERE org_id = %(org)s AND idempotency_key IS NOT NULL
        GROUP BY org_id, operation, idempotency_key HAVING count(*) > 1
    """,
    "nothing below zero": """
        SELECT id FROM organization_credit_pools
        WHERE org_id = %(org)s AND least(total_credits, allocated_credits, available_credits) < 0
        UNION ALL
        SELECT id FROM user_credit_allocations
        WHERE org_id = %(org)s AND least(budget_credits, used_credits, held_credits,
            remaining_credits, lifetime_used_credits) < 0
    """,
    "an active allocation only for a member": """
        SELECT a.id FROM user_credit_allocations a
        WHERE a.org_id = %(org)s AND a.is_active AND NOT EXISTS (
            SELECT 1 FROM organization_members m
            WHERE m.org_id = a.org_id AND m.user_id = a.user_id)
    """,
    "at most one live subscription": """
        SELECT org_id FROM organization_subscriptions
        WHERE org_id = %(org)s AND status <> 'canceled' GROUP BY org_id HAVING count(*) > 1
    """,
}


def broken(org_id: UUID) -> list[str]:
    """The equations that don't hold for an organization."""
    wrong = []
    with connection.cursor() as cursor:
        for name, query in EQUATIONS.items():
            cursor.execute(query, {"org": org_id})
            if cursor.fetchone() is not None:
                wrong.append(name)
    return wrong
