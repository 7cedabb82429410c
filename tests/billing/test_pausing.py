"""A paused subscription: nothing is spent, nothing renewed, nothing billed."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import cancellation, pausing, sweeping
from billing.errors import SubscriptionCanceled
from credits.choices import FOREVER
from credits.models import CreditPool
from orgbilling.lib.clock import simulated
from orgbilling.lib.errors import InvalidRequest
from tests.billing.clockwork import advance, billed, day, pay, told
from tests.billing.conftest import ORIGIN

START = day("2026-11-01")
END = day("2026-12-01")


def ask(work, subscription, at):
    with simulated(at):
        return work(org_id=subscription.org_id, subscription_id=subscription.pk, origin=ORIGIN)


@pytest.fixture
def paused(alpha, subscribed):
    """A subscription of 1 November, paid, and paused on the 6th."""
    subscription = subscribed(alpha, at=START)
    pay(subscription, START)
    ask(pausing.pause, subscription, START + timedelta(days=5))
    return subscription


def test_nothing_can_be_spent_and_no_period_follows(alpha, paused):
    assert CreditPool.objects.get(org=alpha).spending_until is None
    row = advance(paused, day("2027-06-01"))
    assert (row.status, row.current_period_end) == ("paused", END)
    with simulated(day("2027-06-01")):
        assert sweeping.advance_due() == 0
    assert len(billed(paused)) == 1


def test_resumed_within_its_period_it_goes_on_without_a_charge(alpha, paused):
    row = ask(pausing.resume, paused, START + timedelta(days=9))
    assert (row.status, row.current_period_end) == ("active", END)
    assert len(billed(paused)) == 1
    assert CreditPool.objects.get(org=alpha).spending_until == FOREVER


def test_resumed_after_its_period_a_new_one_begins_now(paused):
    later = day("2027-06-10") + timedelta(hours=4)
    row = ask(pausing.resume, paused, later)
    assert (row.period_anchor, row.current_period_start) == (later, later)
    assert billed(paused)[1:] == [(later, later.replace(month=7), Decimal("50.00"))]
    assert told(paused) == ["payment_received", "subscription_paused", "subscription_resumed"]


def test_asking_twice_does_nothing_more(paused):
    ask(pausing.pause, paused, START + timedelta(days=6))
    for _ in range(2):
        ask(pausing.resume, paused, START + timedelta(days=7))
    assert told(paused)[1:] == ["subscription_paused", "subscription_resumed"]


def test_a_scheduled_end_comes_to_a_paused_one_too(paused):
    ask(
        lambda **target: cancellation.set_at_period_end(ends=True, **target),
        paused,
        START + timedelta(days=6),
    )
    row = advance(paused, day("2027-01-01"))
    assert (row.status, row.canceled_at) == ("canceled", END)
    with pytest.raises(SubscriptionCanceled):
        ask(pausing.resume, paused, day("2027-01-01"))


@pytest.mark.parametrize(("trial", "after"), [(10, 1), (0, 14)], ids=["trialing", "past due"])
def test_only_an_active_one_is_paused(alpha, subscribed, trial, after):
    subscription = subscribed(alpha, at=START, trial_days=trial)
    with pytest.raises(InvalidRequest):
        ask(pausing.pause, subscription, START + timedelta(days=after))
