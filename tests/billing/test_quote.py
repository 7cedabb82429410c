"""What a change is said to cost is what it costs, and never more than was agreed to."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as checked
from hypothesis import strategies as st

from billing import plan_change, renewal
from billing.errors import ChargeRisen, SubscriptionCanceled
from billing.models import BillingEvent, Payment
from orgbilling.lib.clock import simulated
from tests.billing.conftest import ORIGIN

START = datetime(2026, 11, 1, tzinfo=UTC)
HALF = START + timedelta(days=15)
CHANGES = [
    (had, cycle, plan, wanted)
    for had in ("byok", "platform", "hybrid")
    for cycle in ("monthly", "yearly")
    for plan in ("byok", "platform", "hybrid")
    for wanted in ("monthly", "yearly")
]


@pytest.fixture(autouse=True)
def patient(settings):
    """Nothing is overdue here."""
    settings.PAYMENT_TERMS_DAYS = 400


def change(subscription, at, plan, cycle, at_most=None):
    with simulated(at):
        return plan_change.change(
            org_id=subscription.org_id,
            subscription_id=subscription.pk,
            plan=plan,
            billing_cycle=cycle,
            origin=ORIGIN,
            at_most=at_most,
        )


def quote(subscription, at, plan, cycle):
    return plan_change.quote(subscription, plan=plan, billing_cycle=cycle, moment=at)


@pytest.mark.parametrize(("had", "cycle", "plan", "wanted"), CHANGES)
def test_every_change_costs_what_was_quoted(alpha, subscribed, had, cycle, plan, wanted):
    subscription = subscribed(alpha, had, at=START, billing_cycle=cycle)
    quoted = quote(subscription, HALF, plan, wanted)
    before = set(BillingEvent.objects.values_list("pk", flat=True))
    assert before == {BillingEvent.objects.get().pk}
    change(subscription, HALF, plan, wanted, at_most=quoted.amount)
    written = BillingEvent.objects.exclude(pk__in=before)
    assert sum((event.amount for event in written), Decimal(0)) == quoted.amount
    assert sorted(event.event_type for event in written) == sorted(
        step.event_type for step in quoted.steps
    )


def test_a_dearer_price_than_agreed_changes_nothing(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START)
    quoted = quote(subscription, HALF, "hybrid", "monthly")
    assert quoted.amount == Decimal("24.50")
    with pytest.raises(ChargeRisen) as refusal:
        change(subscription, START + timedelta(days=10), "hybrid", "monthly", quoted.amount)
    assert refusal.value.amount == Decimal("32.67")
    subscription.refresh_from_db()
    assert subscription.plan_id == "platform"
    assert Payment.objects.count() == 1


def test_a_cheaper_price_than_agreed_is_charged(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START)
    quoted = quote(subscription, START, "hybrid", "monthly")
    changed = change(subscription, HALF, "hybrid", "monthly", quoted.amount)
    assert changed.plan_id == "hybrid"
    assert BillingEvent.objects.get(event_type="subscription_upgraded").amount == Decimal("24.50")


@given(passed=st.integers(0, 30 * 86_400 - 1))
@checked(max_examples=50, deadline=None)
def test_an_upgrade_only_becomes_cheaper_with_time(passed):
    whole = plan_change.upgrade_charge(Decimal(50), Decimal(99), rest(passed))
    later = plan_change.upgrade_charge(Decimal(50), Decimal(99), rest(passed + 1))
    assert later <= whole


def rest(passed: int) -> plan_change.Remainder:
    return plan_change.Remainder(30 * 86_400 - passed, 30 * 86_400)


def test_a_canceled_subscription_has_no_quote(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START)
    subscription.status = "canceled"
    with pytest.raises(SubscriptionCanceled):
        quote(subscription, HALF, "hybrid", "monthly")


@pytest.mark.parametrize(
    ("plan", "cycle", "amount"),
    [
        ("platform", "monthly", "99.00"),
        ("byok", "monthly", "30.00"),
        ("hybrid", "yearly", "990.00"),
    ],
)
def test_the_next_charge_is_what_the_renewal_bills(alpha, subscribed, plan, cycle, amount):
    subscription = subscribed(alpha, "hybrid", at=START)
    if plan == "byok":
        subscription = change(subscription, HALF, plan, cycle)
    if cycle == "yearly":
        subscription.scheduled_cycle = "yearly"
        subscription.save()
    assert renewal.next_charge(subscription) == Decimal(amount)
    with simulated(subscription.current_period_end + timedelta(seconds=1)):
        renewal.advance(org_id=alpha.pk, subscription_id=subscription.pk)
    assert BillingEvent.objects.get(event_type="subscription_renewed").amount == Decimal(amount)


def test_nothing_follows_an_end(alpha, subscribed):
    subscription = subscribed(alpha, "hybrid", at=START)
    for values in ({"cancel_at_period_end": True}, {"status": "paused"}, {"status": "canceled"}):
        subscription.cancel_at_period_end, subscription.status = False, "active"
        for name, value in values.items():
            setattr(subscription, name, value)
        assert renewal.next_charge(subscription) is None
