"""In the predecessor a member could spend allocated minus used: a reset that zeroes used mints."""

from datetime import timedelta

import pytest

from credits.deducting import Receipt, deduct
from credits.models import Allocation, JournalEntry
from orgbilling.lib.clock import now, simulated
from tests.concurrency.invariants import broken
from tests.concurrency.threads import attempt
from tests.ledger import ORIGIN, Balances, balances, charge, fund, give, let_spend
from tests.regressions.teeth import constraint, execute, guarded_by, sql, trigger

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(alpha, alice):
    """100 credits: Alice had 60 and has spent 50 of them; 40 are available. A month goes by."""
    fund(alpha, 100)
    let_spend(alpha)
    give(alpha, alice, 60)
    deduct(charge(alpha, alice, 50))
    assert balances(alpha, alice) == Balances(100, 40, 10, 50, 50, 1)
    with simulated(now() + timedelta(days=40)):
        yield alpha


pool_pays = sql("reset_allocation_if_due", ("AND v_moved > 0", "AND false"))


@guarded_by(pool_pays=pool_pays)
def test_a_reset_moves_credits_and_makes_none(due, alice):
    assert isinstance(deduct(charge(due, alice, 1)), Receipt)
    assert broken(due.pk) == []
    assert balances(due, alice) == Balances(100, 0, 49, 1, 51, 2)


@guarded_by(
    function=sql(
        "reset_allocation_if_due", ("least(v_needed, v_available)", "least(v_needed, 1000000)")
    ),
    pool_check=constraint("organization_credit_pools", "pool_allocated_within_total"),
    journal_check=constraint("credit_journal", "journal_available_not_negative"),
)
def test_a_short_pool_gives_what_it_has(due, alice):
    attempt(lambda: reset(due, alice))
    assert broken(due.pk) == []
    assert balances(due, alice).available >= 0


@guarded_by(
    date=sql("reset_allocation_if_due", ("next_reset_date = v_next", "next_reset_date = v_start")),
    one_a_period=constraint("credit_journal", "journal_one_reset_a_period"),
)
def test_a_period_is_opened_once(due, alice):
    fund(due, 1_000)
    for _ in range(2):
        attempt(lambda: reset(due, alice))
    resets = JournalEntry.objects.filter(org=due, kind="reset")
    assert [row.credits for row in resets] == [50]
    assert broken(due.pk) == []


@guarded_by(door=trigger("user_credit_allocations", "allocation_balance_door"))
def test_nobody_zeroes_a_counter_by_hand(due, alice):
    before = balances(due, alice)
    attempt(
        lambda: execute(
            "UPDATE user_credit_allocations SET remaining_credits = budget_credits, used_credits = 0"
        )
    )
    assert balances(due, alice) == before
    assert broken(due.pk) == []


@guarded_by(door=trigger("organization_credit_pools", "pool_balance_door"))
def test_nobody_fills_a_pool_by_hand(due, alice):
    attempt(lambda: execute("UPDATE organization_credit_pools SET total_credits = 1000000"))
    assert balances(due, alice).total == 100
    assert broken(due.pk) == []


def reset(org, user):
    return Allocation.objects.reset_if_due(org_id=org.pk, user_id=user.pk, origin=ORIGIN)
