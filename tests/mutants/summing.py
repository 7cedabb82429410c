"""Mutants of charges in one statement and of summed-up usage."""

from tests.mutants.catalogue import Mutant, text

MANY = "tests/credits/test_deduct_many.py"
ROLLED = "tests/credits/test_rolled_reports.py"
WHILE_OTHERS_WRITE = "tests/concurrency/test_rollups.py"

SUMMING: tuple[Mutant, ...] = (
    text(
        "many:enough",
        "that what remains is enough for many",
        "deduct_many",
        "WHERE one.left_after >= 0",
        "WHERE true",
        MANY,
    ),
    text(
        "many:suspended",
        "that a suspended organization spends nothing among many",
        "deduct_many",
        "AND NOT pool.is_suspended",
        "",
        MANY,
    ),
    text(
        "many:entitled",
        "that an organization without a subscription spends nothing among many",
        "deduct_many",
        "AND pool.spending_until > v_now",
        "",
        MANY,
    ),
    text(
        "many:reset_first",
        "that a reset comes first among many",
        "deduct_many",
        "AND (a.next_reset_date IS NULL OR a.next_reset_date > v_now)",
        "",
        MANY,
    ),
    text(
        "many:twice",
        "that a key that comes twice is left to its own call",
        "deduct_many",
        "asked.times = 1 AND",
        "",
        MANY,
    ),
    text(
        "rollup:horizon",
        "that a horizon waits for open transactions",
        "roll_up_usage",
        "v_rollup.candidate_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
        "true",
        WHILE_OTHERS_WRITE,
    ),
    text(
        "rollup:late",
        "that rows of the past are taken later",
        "roll_up_usage",
        "WHERE noted.created_at < v_from",
        "WHERE false",
        WHILE_OTHERS_WRITE,
        ROLLED,
    ),
    text(
        "rollup:once",
        "that a row that is taken with its hour is not taken as a late one too",
        "roll_up_usage",
        "WHERE noted.created_at < v_from",
        "WHERE true",
        ROLLED,
    ),
    text(
        "rollup:requests",
        "that refunds are no requests",
        "roll_up_usage",
        "count(*) FILTER (WHERE t.refund_of_id IS NULL)",
        "count(*)",
        ROLLED,
    ),
    text(
        "rollup:added",
        "that sums are added to",
        "roll_up_usage",
        "SET credits = cell.credits + EXCLUDED.credits, requests = cell.requests + EXCLUDED.requests",
        "SET credits = EXCLUDED.credits, requests = EXCLUDED.requests",
        ROLLED,
    ),
    text(
        "rollup:lock",
        "the lock of an organization's rollup",
        "roll_up_usage",
        "WHERE rollup.org_id = p_org_id FOR UPDATE",
        "WHERE rollup.org_id = p_org_id",
        WHILE_OTHERS_WRITE,
    ),
    text(
        "rollup:forgotten",
        "that what is thrown away is read from rows",
        "forget_usage_rollup",
        "SET rolled_until = NULL",
        "SET rolled_until = rolled_until",
        ROLLED,
    ),
    text(
        "rollup:forgotten_services",
        "that services' sums are thrown away",
        "forget_usage_rollup",
        "DELETE FROM public.credit_usage_by_service AS cell WHERE cell.org_id = p_org_id;",
        "",
        ROLLED,
    ),
    text(
        "rollup:forgotten_users",
        "that members' sums are thrown away",
        "forget_usage_rollup",
        "DELETE FROM public.credit_usage_by_user AS cell WHERE cell.org_id = p_org_id;",
        "",
        ROLLED,
    ),
)
