"""Subscribing as the console, a job or the seed would call it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.errors import SubscriptionExists
from billing.models import BillingEvent, Payment, Plan, Subscription
from billing.subscribing import Order, subscribe
from credits.choices import FOREVER
from credits.models import CreditPool
from organizations.errors import OrganizationSuspended
from organizations.models import Organization
from orgbilling.lib.clock import simulated
from orgbilling.lib.errors import InvalidRequest
from tests.billing.conftest import ORIGIN

NOON = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
NOON_SHARP = NOON.replace(microsecond=0)


def pool_of(organization: Organization) -> CreditPool:
    return CreditPool.objects.get(org=organization)


def test_without_a_trial_it_is_active_and_the_first_period_is_to_be_paid(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=NOON)
    subscription.refresh_from_db()
    assert subscription.status == "active"
    assert subscription.monthly_price == Decimal("50.00")
    assert subscription.period_anchor == NOON_SHARP
    assert subscription.current_period_start == NOON_SHARP
    assert subscription.current_period_end == datetime(2026, 2, 28, 12, tzinfo=UTC)
    assert subscription.trial_ends_at is None
    assert subscription.created_at == NOON
    event = BillingEvent.objects.with_payment_status().get(org=alpha)
    assert event.event_type == "subscription_created"
    assert event.amount == Decimal("50.00")
    assert event.payment_status == "pending"
    assert event.subscription_id == subscription.id
    assert (event.period_start, event.period_end) == (
        subscription.current_period_start,
        subscription.current_period_end,
    )
    assert event.actor == "user:test"
    assert event.request_id == "request-1"
    payment = Payment.objects.get(org=alpha)
    assert (payment.event_id, payment.amount, payment.paid_at) == (event.id, event.amount, None)


def test_the_pool_learns_what_the_subscription_allows(alpha, subscribed):
    subscribed(alpha, "byok", at=NOON)
    pool = pool_of(alpha)
    assert pool.spending_until == FOREVER
    assert pool.price_plan == "byok"
    assert pool.next_price_plan is None


def test_a_trial_charges_nothing_and_goes_on_by_itself(alpha, subscribed):
    subscription = subscribed(alpha, "hybrid", at=NOON, trial_days=14)
    end = NOON_SHARP + timedelta(days=14)
    assert subscription.status == "trialing"
    assert subscription.trial_ends_at == end
    assert subscription.current_period_end == end
    assert subscription.period_anchor == end
    assert pool_of(alpha).spending_until == FOREVER
    event = BillingEvent.objects.with_payment_status().get(org=alpha)
    assert event.amount == 0
    assert event.payment_status is None
    assert not Payment.objects.filter(org=alpha).exists()


def test_a_year_costs_ten_months(alpha, subscribed):
    subscription = subscribed(alpha, "hybrid", at=NOON, billing_cycle="yearly")
    assert subscription.monthly_price == Decimal("99.00")
    assert subscription.current_period_end == datetime(2027, 1, 31, 12, tzinfo=UTC)
    assert BillingEvent.objects.get(org=alpha).amount == Decimal("990.00")


def test_a_custom_price_is_kept_and_charged(alpha, subscribed):
    subscription = subscribed(alpha, "platform", monthly_price=Decimal("12.34"))
    assert subscription.monthly_price == Decimal("12.34")
    assert BillingEvent.objects.get(org=alpha).amount == Decimal("12.34")


def test_a_free_subscription_has_nothing_to_pay(alpha, subscribed):
    subscribed(alpha, "platform", monthly_price=Decimal("0.00"))
    event = BillingEvent.objects.with_payment_status().get(org=alpha)
    assert (event.amount, event.payment_status) == (Decimal("0.00"), None)


def test_a_new_price_of_the_catalogue_is_for_new_subscriptions(alpha, globex, subscribed):
    old = subscribed(alpha, "platform", billing_cycle="yearly")
    Plan.objects.filter(code="platform").update(monthly_price=Decimal("70.00"), yearly_months=11)
    old.refresh_from_db()
    assert (old.monthly_price, old.period_price) == (Decimal("50.00"), Decimal("500.00"))
    new = subscribed(globex, "platform", billing_cycle="yearly")
    assert (new.monthly_price, new.period_price) == (Decimal("70.00"), Decimal("770.00"))


@pytest.mark.parametrize("first", [{}, {"trial_days": 7}])
@pytest.mark.parametrize("second", [{}, {"trial_days": 7}])
def test_a_second_live_subscription_is_refused_trialing_or_not(alpha, subscribed, first, second):
    subscribed(alpha, **first)
    with pytest.raises(SubscriptionExists):
        subscribed(alpha, **second)
    assert Subscription.objects.filter(org=alpha).count() == 1
    assert BillingEvent.objects.filter(org=alpha).count() == 1


def test_a_plan_that_is_not_offered_any_more_is_refused(alpha, subscribed):
    Plan.objects.filter(code="byok").update(is_active=False)
    with pytest.raises(InvalidRequest) as refused:
        subscribed(alpha, "byok")
    assert refused.value.extra["errors"][0]["field"] == "subscription_plan"
    assert not Subscription.objects.filter(org=alpha).exists()


def test_a_suspended_organization_cannot_subscribe(alpha, subscribed):
    Organization.objects.suspend(alpha.id, by=None)
    alpha.refresh_from_db()
    with pytest.raises(OrganizationSuspended):
        subscribed(alpha)


def test_one_whose_scheduled_end_has_passed_does_not_stand_in_the_way(alpha, subscribed):
    former = subscribed(alpha, at=NOON)
    Subscription.objects.filter(id=former.id, org=alpha).update(cancel_at_period_end=True)
    with pytest.raises(SubscriptionExists):
        subscribed(alpha, at=former.current_period_end - timedelta(seconds=1))
    new = subscribed(alpha, "byok", at=former.current_period_end)
    former.refresh_from_db()
    assert former.status == "canceled"
    assert former.canceled_at == former.current_period_end
    assert new.status == "active"
    closing = BillingEvent.objects.get(org=alpha, event_type="subscription_canceled")
    assert (closing.actor, closing.subscription_id) == ("system", former.id)
    assert pool_of(alpha).price_plan == "byok"
    assert pool_of(alpha).spending_until == FOREVER


def test_the_order_of_a_failed_one_leaves_nothing_behind(alpha, subscribed):
    subscribed(alpha)
    with simulated(NOON), pytest.raises(SubscriptionExists):
        subscribe(organization=alpha, order=Order("hybrid"), origin=ORIGIN)
    assert pool_of(alpha).price_plan == "platform"
