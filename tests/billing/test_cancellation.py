"""Subscriptions end at once or with their period; and what the pool may spend in every state."""

from datetime import UTC, datetime, timedelta

import pytest

from billing import cancellation, entitlement, plan_change
from billing.choices import SubscriptionStatus
from billing.errors import SubscriptionCanceled
from billing.models import BillingEvent, Subscription
from credits.choices import FOREVER
from credits.models import CreditPool
from orgbilling.lib.clock import simulated
from tests.billing.conftest import ORIGIN

START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)
LATER = START + timedelta(days=3)


def names(subscription) -> list[str]:
    rows = BillingEvent.objects.filter(subscription=subscription).order_by("created_at", "id")
    return [row.event_type for row in rows][1:]


def target(subscription):
    return {
        "org_id": subscription.org_id,
        "subscription_id": subscription.id,
        "origin": ORIGIN,
    }


def test_at_once_nothing_can_be_spent_any_more(alpha, subscribed):
    subscription = subscribed(alpha, "hybrid", at=START)
    with simulated(LATER):
        plan_change.change(plan="byok", billing_cycle=None, **target(subscription))
        canceled = cancellation.cancel(**target(subscription))
    canceled.refresh_from_db()
    assert canceled.status == "canceled"
    assert canceled.canceled_at == LATER
    assert canceled.scheduled_plan_id is None
    assert canceled.cancel_at_period_end is False
    pool = CreditPool.objects.get(org=alpha)
    assert (pool.spending_until, pool.price_plan, pool.next_price_plan) == (None, None, None)
    assert names(subscription) == ["downgrade_scheduled", "subscription_canceled"]


def test_twice_is_refused(alpha, subscribed):
    subscription = subscribed(alpha)
    cancellation.cancel(**target(subscription))
    with pytest.raises(SubscriptionCanceled):
        cancellation.cancel(**target(subscription))
    with pytest.raises(SubscriptionCanceled):
        cancellation.set_at_period_end(ends=True, **target(subscription))
    with pytest.raises(SubscriptionCanceled):
        plan_change.change(plan="hybrid", billing_cycle=None, **target(subscription))
    assert names(subscription) == ["subscription_canceled"]


def test_with_the_period_it_spends_until_then(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    with simulated(LATER):
        changed = cancellation.set_at_period_end(ends=True, **target(subscription))
    assert (changed.status, changed.cancel_at_period_end) == ("active", True)
    assert CreditPool.objects.get(org=alpha).spending_until == END
    with simulated(LATER):
        cancellation.set_at_period_end(ends=True, **target(subscription))
        changed = cancellation.set_at_period_end(ends=False, **target(subscription))
        cancellation.set_at_period_end(ends=False, **target(subscription))
    assert changed.cancel_at_period_end is False
    assert CreditPool.objects.get(org=alpha).spending_until == FOREVER
    assert names(subscription) == ["cancellation_scheduled", "cancellation_undone"]


def test_a_scheduled_end_that_has_passed_is_not_taken_back(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    with simulated(LATER):
        cancellation.set_at_period_end(ends=True, **target(subscription))
    with simulated(END), pytest.raises(SubscriptionCanceled):
        cancellation.set_at_period_end(ends=False, **target(subscription))
    with simulated(END):
        assert cancellation.cancel(**target(subscription)).status == "canceled"


def test_after_a_cancellation_one_can_subscribe_again(alpha, subscribed):
    first = subscribed(alpha)
    cancellation.cancel(**target(first))
    second = subscribed(alpha, "byok")
    assert second.id != first.id
    assert Subscription.objects.live().get(org=alpha) == second


@pytest.mark.parametrize(
    ("status", "ends", "until"),
    [
        ("trialing", False, FOREVER),
        ("trialing", True, LATER),
        ("active", False, FOREVER),
        ("active", True, END),
        ("past_due", False, FOREVER),
        ("past_due", True, END),
        ("paused", False, None),
        ("canceled", False, None),
    ],
)
def test_the_one_table_of_what_each_state_may_spend(status, ends, until):
    subscription = Subscription(
        status=status,
        trial_ends_at=LATER,
        current_period_end=END,
        cancel_at_period_end=ends,
    )
    assert entitlement.spending_until(subscription) == until


def test_the_table_knows_every_state():
    assert set(entitlement.SPENDING_UNTIL) == set(SubscriptionStatus)
