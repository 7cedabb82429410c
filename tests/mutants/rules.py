"""Mutants of rules, each by hand: what happens once, up to where, for whom and when."""

from tests.mutants.altering import Python, Text
from tests.mutants.catalogue import Mutant, text
from tests.mutants.guards import APART, AT_ONCE, ORDER

DEDUCT = "tests/credits/test_deduct.py"
HOLDS = "tests/credits/test_holds.py"
CAPTURES = "tests/credits/test_captures_under_a_key.py"
CAPTURES_AT_ONCE = "tests/concurrency/test_captures_under_a_key.py"
KEYED_REFUNDS = "tests/credits/test_refunds_under_a_key.py"
REFUNDS_AT_ONCE = "tests/concurrency/test_refunds_under_a_key.py"
REFUNDS = "tests/credits/test_refunds.py"
PERIODS = "tests/credits/test_periods.py"
RACES = "tests/credits/test_key_races.py"
GUARDS_OF_SQL = "tests/credits/test_guards.py"
REFRESHES = "tests/credits/test_refreshes_and_settings.py"
FIRST_USE = "tests/regressions/test_first_use_insert_race.py"

_ENOUGH = "AND a.remaining_credits >= o_credits_used"
_FINAL = "AND answer.key = p_idempotency_key"
_CONFLICT = (
    "ON CONFLICT (org_id, operation, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING"
)
_SAME_BODY = "CASE WHEN v_hash = p_body_hash THEN"
_PENDING = "v_hold.status <> 'pending' OR v_hold.expires_at <= v_clock"

RULES: tuple[Mutant, ...] = (
    text(
        "filter:key",
        "the organization of a key",
        "deduct_credits",
        "u.org_id = p_org_id AND u.operation",
        "u.operation",
        f"{APART}::test_a_key_of_one_organization_is_free_in_another",
    ),
    *(
        Mutant(
            f"once:{names[0]}",
            "the look for a used key",
            tuple(
                Text(name, ((f"{row}.idempotency_key = p_idempotency_key", "false"),))
                for name in names
            ),
            tests,
        )
        for row, names, tests in (
            ("u", ("deduct_credits", "deduct_credits_with_pool"), (DEDUCT,)),
            ("h", ("place_hold", "place_hold_with_pool"), (HOLDS,)),
        )
    ),
    text(
        "key:body",
        "whether a key's request is the same",
        "deduct_credits",
        _SAME_BODY,
        "CASE WHEN true THEN",
        DEDUCT,
    ),
    text(
        "key:refusal",
        "that a stored refusal is final",
        "deduct_credits",
        _FINAL,
        f"{_FINAL} AND false",
        DEDUCT,
    ),
    text("key:conflict", "ON CONFLICT of a charge", "deduct_credits", _CONFLICT, "", RACES),
    text(
        "key:conflict_with_pool",
        "ON CONFLICT of a charge that needs the pool",
        "deduct_credits_with_pool",
        _CONFLICT,
        "",
        RACES,
    ),
    text(
        "first:pool",
        "ON CONFLICT of a first pool",
        "add_credits_to_pool",
        "ON CONFLICT (org_id) DO NOTHING",
        "",
        FIRST_USE,
    ),
    text(
        "first:allocation",
        "ON CONFLICT of a first allocation",
        "allocate_credits_to_user",
        "ON CONFLICT (org_id, user_id) DO NOTHING",
        "",
        f"{AT_ONCE}[allocate]",
    ),
    text("spend:enough", "that what remains is enough", "deduct_credits", _ENOUGH, "", DEDUCT),
    text(
        "spend:hold_enough",
        "that what remains is enough",
        "place_hold",
        "AND a.remaining_credits >= v_cost.needed",
        "",
        HOLDS,
    ),
    text(
        "spend:active",
        "that the allocation is active",
        "decide_charge",
        "NOT v_allocation.is_active",
        "false",
        f"{ORDER}::test_a_closed_allocation_spends_nothing",
    ),
    text(
        "spend:reset_first",
        "that a reset comes first",
        "deduct_credits",
        "AND (a.next_reset_date IS NULL OR a.next_reset_date > v_now)",
        "",
        PERIODS,
    ),
    text(
        "spend:suspended",
        "that a suspended organization spends nothing",
        "deduct_credits",
        "v_pool.is_suspended OR",
        "",
        DEDUCT,
    ),
    text(
        "hold:settled_once",
        "that a hold is captured once",
        "capture_hold",
        _PENDING,
        "false",
        HOLDS,
    ),
    text(
        "hold:capture_expiry",
        "that an expired hold is not captured",
        "capture_hold",
        _PENDING,
        "v_hold.status <> 'pending'",
        HOLDS,
    ),
    text(
        "hold:released_once",
        "that a hold is released once",
        "release_hold",
        _PENDING,
        "false",
        HOLDS,
    ),
    text(
        "hold:release_expiry",
        "that an expired hold is not released",
        "release_hold",
        _PENDING,
        "v_hold.status <> 'pending'",
        HOLDS,
    ),
    text(
        "hold:bound",
        "that a hold is captured up to its amount",
        "capture_hold",
        "o_credits_used > v_left OR",
        "",
        HOLDS,
    ),
    text(
        "hold:overage",
        "that a hold's overage goes back first",
        "settle_hold",
        "v_overage := least(v_rest, v_hold.overage_credits)",
        "v_overage := 0",
        HOLDS,
    ),
    text(
        "hold:billed",
        "that billed overage comes back as credits",
        "settle_hold",
        "pool.overage_period_start IS NULL OR v_hold.created_at >= pool.overage_period_start",
        "true",
        f"{ORDER}::test_overage_of_a_billed_period_comes_back_as_credits",
    ),
    text(
        "refund:bound",
        "that a refund is bounded",
        "refund_usage",
        "v_credits > v_left OR v_left = 0",
        "false",
        REFUNDS,
    ),
    text(
        "refund:period",
        "that a closed period's use stays",
        "refund_usage",
        "v_usage.created_at >= coalesce(a.last_reset_date, v_usage.created_at)",
        "true",
        REFUNDS,
    ),
    text(
        "refund:actor",
        "who may refund",
        "refund_usage",
        "v_usage.actor <> p_own_actor",
        "false",
        REFUNDS,
    ),
    text(
        "overage:limit",
        "the limit of overage",
        "decide_charge",
        "AND v_pool.overage_limit - v_pool.overage_used_period >= v_short",
        "",
        HOLDS,
    ),
    text(
        "overage:last",
        "that the pool is asked before overage",
        "decide_charge",
        "AND v_pool.available_credits < v_short",
        "",
        HOLDS,
        REFUNDS,
        f"{ORDER}::test_overage_is_the_last_resort",
    ),
    text(
        "reset:once",
        "that a reset sets the next date",
        "reset_allocation_if_due",
        "next_reset_date = v_next,",
        "",
        PERIODS,
    ),
    text(
        "reset:mint",
        "that a reset gives no more than there is",
        "reset_allocation_if_due",
        "v_moved := least(v_needed, v_available)",
        "v_moved := v_needed",
        PERIODS,
    ),
    text(
        "reset:unspent",
        "that a reset tops up and doesn't add",
        "reset_allocation_if_due",
        "v_allocation.budget_credits - v_allocation.remaining_credits - v_allocation.held_credits",
        "v_allocation.budget_credits",
        PERIODS,
    ),
    text(
        "reset:counter",
        "that a reset starts the counter again",
        "reset_allocation_if_due",
        "used_credits = 0,",
        "",
        PERIODS,
    ),
    *(
        text(f"key:capture_{name}", what, "capture_hold_once", guard, gone, CAPTURES)
        for name, what, guard, gone in (
            (
                "body",
                "whether a capture's key has the same request",
                "WHEN v_hash <> p_body_hash",
                "WHEN false",
            ),
            (
                "part",
                "that a part is answered with what was stored",
                "v_final_usage_id IS DISTINCT FROM o_usage_id",
                "false",
            ),
            (
                "stored",
                "the look for a capture's stored answer",
                "IF FOUND OR NOT p_final",
                "IF NOT p_final",
            ),
            (
                "filter",
                "the organization of a capture's key",
                "u.org_id = p_org_id AND u.operation",
                "u.operation",
            ),
            (
                "once",
                "the look for a capture's key",
                "u.idempotency_key = p_idempotency_key",
                "false",
            ),
        )
    ),
    *(
        text(f"key:refund_{name}", what, "refund_usage_once", guard, gone, KEYED_REFUNDS)
        for name, what, guard, gone in (
            (
                "body",
                "whether a refund's key has the same request",
                "WHEN v_hash = p_body_hash",
                "WHEN true",
            ),
            (
                "filter",
                "the organization of a refund's key",
                "u.org_id = p_org_id AND u.operation",
                "u.operation",
            ),
            (
                "once",
                "the look for a refund's key",
                "u.idempotency_key = p_idempotency_key",
                "false",
            ),
        )
    ),
    text(
        "key:refund_at_once",
        "that a key is one refund's, of two at once",
        "refund_usage",
        _CONFLICT,
        "",
        f"{REFUNDS_AT_ONCE}::test_a_key_for_two_members",
    ),
    text(
        "key:capture_at_once",
        "that a key is one capture's, of two at once",
        "capture_hold",
        _CONFLICT,
        "",
        f"{CAPTURES_AT_ONCE}::test_a_key_for_two_holds",
    ),
    text(
        "refresh:entitled",
        "that a month without subscription brings nothing",
        "refresh_pool_if_due",
        "v_pool.spending_until > v_boundary",
        "true",
        REFRESHES,
    ),
    text(
        "pool:limit",
        "that the pool is the limit of what is allocated",
        "allocate_credits_to_user",
        "v_pool.available_credits < p_credits",
        "false",
        "tests/credits/test_allocate.py",
    ),
    text(
        "door:closed",
        "that the door is closed behind a function",
        "allocate_credits_to_user",
        "PERFORM set_config('orgbilling.door', '', true);",
        "",
        f"{GUARDS_OF_SQL}::test_the_door_is_closed_behind_every_function",
    ),
    Mutant(
        "order:departure",
        "the pool's lock before the allocation's in a departure",
        (
            Python(
                "credits.departure",
                "remove_member",
                (
                    (
                        "CreditPool.objects.lock(org_id)",
                        (
                            "Allocation.objects.select_for_update().get(org_id=org_id, user_id=user_id)"
                            "\n        CreditPool.objects.lock(org_id)"
                        ),
                    ),
                ),
            ),
        ),
        (f"{ORDER}::test_a_departure_locks_the_pool_first",),
    ),
    Mutant(
        "lock:manager",
        "the lock of the pool's manager",
        (
            Python(
                "credits.managers.pool",
                "PoolManager.lock",
                (("self.select_for_update(no_key=True)", "self.get_queryset()"),),
            ),
        ),
        ("tests/concurrency/test_pools.py::test_purchases_on_account_stop_at_the_limit_together",),
    ),
)
