"""Charges that meet a reset which is due: the first makes it, and it is made once."""

from datetime import timedelta

import pytest
from django.db import transaction

from credits.deducting import Receipt, deduct
from credits.models import Allocation, JournalEntry, Usage
from orgbilling.lib.clock import now, simulated
from tests.concurrency.invariants import broken
from tests.concurrency.threads import Elsewhere, attempt, together
from tests.ledger import ORIGIN, Balances, balances, charge, fund, give, let_spend
from tests.regressions.teeth import constraint, guarded_by, sql

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def spent(alpha, alice):
    """1,000 credits: Alice had 100 and has spent 90 of them."""
    fund(alpha, 1_000)
    let_spend(alpha)
    give(alpha, alice, 100)
    deduct(charge(alpha, alice, 90))
    assert balances(alpha, alice) == Balances(1_000, 900, 10, 90, 90, 1)
    return alpha


def next_month():
    return simulated(now() + timedelta(days=40))


def charge_next_month(org, user, credits=5):
    with next_month():
        return deduct(charge(org, user, credits))


def resets(org):
    return list(
        JournalEntry.objects.filter(org=org, kind="reset").values_list("credits", flat=True)
    )


@guarded_by(
    locks=sql(
        "deduct_credits_with_pool",
        (" FOR NO KEY UPDATE;\n    IF NOT FOUND", ";\n    IF NOT FOUND"),
        ("a.user_id = p_user_id FOR NO KEY UPDATE;", "a.user_id = p_user_id;"),
    ),
    one_a_period=constraint("credit_journal", "journal_one_reset_a_period"),
)
def test_a_second_charge_finds_the_reset_made(spent, alice):
    with transaction.atomic():
        with next_month():
            Usage.objects.charge_with_pool(charge(spent, alice, 5))
        other = Elsewhere(lambda: charge_next_month(spent, alice))
        assert other.is_stuck()
    second = other.result()
    assert resets(spent) == [90]
    assert broken(spent.pk) == []
    if not isinstance(second, Exception):
        assert balances(spent, alice) == Balances(1_000, 810, 90, 10, 100, 3)


@pytest.mark.usefixtures("smooth")
def test_two_charges_at_once_reset_once(spent, alice):
    ends = together([lambda: charge_next_month(spent, alice)] * 2)
    assert {type(end) for end in ends} == {Receipt}
    assert resets(spent) == [90]
    assert balances(spent, alice) == Balances(1_000, 810, 90, 10, 100, 3)
    assert broken(spent.pk) == []


@pytest.mark.usefixtures("smooth")
def test_forty_charges_and_the_job_at_once_reset_once(spent, alice):
    """100 credits pay for twenty of them."""

    def job():
        with next_month():
            return Allocation.objects.reset_if_due(org_id=spent.pk, user_id=alice.pk, origin=ORIGIN)

    works = [lambda: charge_next_month(spent, alice), job]
    ends = together([*works[:1] * 40, *works[1:] * 5])
    assert sum(isinstance(end, Receipt) for end in ends) == 20
    assert sum(end is True for end in ends) <= 1
    assert resets(spent) == [90]
    assert balances(spent, alice) == Balances(1_000, 810, 0, 100, 190, 21)
    assert broken(spent.pk) == []


@pytest.mark.usefixtures("smooth")
def test_a_pool_that_is_short_is_shared_once(alpha, alice, bob):
    """Two resets of 60 meet 50 available."""
    fund(alpha, 170)
    let_spend(alpha)
    for user in (alice, bob):
        give(alpha, user, 60)
        deduct(charge(alpha, user, 60))
    together(lambda user=user: charge_next_month(alpha, user, 1) for user in (alice, bob) * 5)
    assert sorted(resets(alpha)) == [0, 50]
    assert broken(alpha.pk) == []
    lefts = sorted(balances(alpha, user).remaining for user in (alice, bob))
    assert lefts == [0, 45]


@guarded_by(
    date=sql("allocate_credits_to_user", ("greatest(v_after, a.last_reset_date)", "v_now")),
)
def test_who_waited_past_midnight_opens_no_period_again(alpha, alice):
    """A transaction's now is when it began, which may be before the reset that it waited for."""
    fund(alpha, 1_000)
    let_spend(alpha)
    give(alpha, alice, 100, reset_period="weekly")
    midnight = Allocation.objects.get(org=alpha, user=alice).next_reset_date
    with simulated(midnight + timedelta(minutes=1)):
        deduct(charge(alpha, alice, 10))
    with simulated(midnight - timedelta(minutes=1)):
        give(alpha, alice, 1, reset_period="daily")
    with simulated(midnight + timedelta(minutes=2)):
        charged = attempt(lambda: deduct(charge(alpha, alice, 10)))
    assert isinstance(charged, Receipt)
    assert resets(alpha) == [0]
    row = Allocation.objects.get(org=alpha, user=alice)
    assert (row.last_reset_date, row.next_reset_date) == (midnight, midnight + timedelta(days=1))
