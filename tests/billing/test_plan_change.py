"""Moving between plans and cycles: what acts at once, what waits, what it costs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing import plan_change
from billing.errors import SubscriptionCanceled
from billing.models import BillingEvent, Plan, Subscription
from credits.models import CreditPool
from orgbilling.lib.clock import simulated
from orgbilling.lib.errors import InvalidRequest, NotFound
from orgbilling.lib.ids import uuid7
from tests.billing.conftest import ORIGIN

START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)
HALF = START + timedelta(days=15)


@pytest.fixture(autouse=True)
def patient(settings):
    """Nothing is overdue here."""
    settings.PAYMENT_TERMS_DAYS = 400


def change(subscription, at, plan=None, cycle=None) -> Subscription:
    with simulated(at):
        return plan_change.change(
            org_id=subscription.org_id,
            subscription_id=subscription.id,
            plan=plan,
            billing_cycle=cycle,
            origin=ORIGIN,
        )


def events(subscription) -> list[tuple[str, Decimal, str | None]]:
    """What was recorded after the subscription was made, oldest first."""
    rows = BillingEvent.objects.with_payment_status().filter(subscription=subscription)
    rows = rows.exclude(event_type="subscription_created").order_by("created_at", "id")
    return [(row.event_type, row.amount, row.payment_status) for row in rows]


@pytest.mark.parametrize(
    ("passed", "amount"),
    [
        (timedelta(0), "49.00"),
        (timedelta(days=15), "24.50"),
        (timedelta(days=10), "32.67"),
        (timedelta(seconds=1), "49.00"),
        (timedelta(days=30) - timedelta(seconds=265), "0.01"),
    ],
)
def test_an_upgrade_acts_now_prorated_to_the_second(alpha, subscribed, passed, amount):
    subscription = subscribed(alpha, "platform", at=START)
    changed = change(subscription, START + passed, "hybrid")
    changed.refresh_from_db()
    assert (changed.plan_id, changed.monthly_price) == ("hybrid", Decimal("99.00"))
    assert (changed.current_period_start, changed.current_period_end) == (START, END)
    assert changed.updated_at == START + passed
    assert events(subscription) == [("subscription_upgraded", Decimal(amount), "pending")]
    assert CreditPool.objects.get(org=alpha).price_plan == "hybrid"


def test_the_history_shows_how_an_upgrade_was_computed(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START)
    change(subscription, HALF, "hybrid")
    event = BillingEvent.objects.get(org=alpha, event_type="subscription_upgraded")
    assert event.metadata == {
        "from": {"plan": "platform", "billing_cycle": "monthly"},
        "to": {"plan": "hybrid", "billing_cycle": "monthly"},
        "old_period_price": "50.00",
        "new_period_price": "99.00",
        "remaining_seconds": 15 * 86400,
        "period_seconds": 30 * 86400,
    }
    assert (event.period_start, event.period_end) == (HALF, END)


def test_two_upgrades_in_one_period_together_cost_the_whole_difference(alpha, subscribed):
    subscription = subscribed(alpha, "byok", at=START)
    change(subscription, HALF, "platform")
    change(subscription, HALF, "hybrid")
    assert events(subscription) == [
        ("subscription_upgraded", Decimal("10.00"), "pending"),
        ("subscription_upgraded", Decimal("24.50"), "pending"),
    ]


def test_an_upgrade_in_a_trial_is_free(alpha, subscribed):
    subscription = subscribed(alpha, "byok", at=START, trial_days=10)
    changed = change(subscription, START + timedelta(days=2), "hybrid")
    assert changed.status == "trialing"
    assert changed.current_period_end == START + timedelta(days=10)
    assert events(subscription) == [("subscription_upgraded", Decimal("0.00"), None)]


def test_a_yearly_upgrade_is_prorated_over_the_year(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START, billing_cycle="yearly")
    change(subscription, START + timedelta(days=73), "hybrid")
    assert events(subscription) == [("subscription_upgraded", Decimal("392.00"), "pending")]


def test_a_downgrade_waits_for_the_end_of_the_period(alpha, subscribed):
    subscription = subscribed(alpha, "hybrid", at=START)
    changed = change(subscription, HALF, "byok")
    changed.refresh_from_db()
    assert (changed.plan_id, changed.monthly_price) == ("hybrid", Decimal("99.00"))
    assert changed.scheduled_plan_id == "byok"
    assert events(subscription) == [("downgrade_scheduled", Decimal("0.00"), None)]
    pool = CreditPool.objects.get(org=alpha)
    assert (pool.price_plan, pool.next_price_plan, pool.next_price_plan_at) == (
        "hybrid",
        "byok",
        END,
    )


def test_the_same_downgrade_again_does_nothing(alpha, subscribed):
    subscription = subscribed(alpha, "hybrid", at=START)
    change(subscription, HALF, "byok")
    change(subscription, HALF + timedelta(days=1), "byok")
    assert len(events(subscription)) == 1


def test_asking_for_the_current_plan_clears_a_scheduled_one(alpha, subscribed):
    subscription = subscribed(alpha, "hybrid", at=START)
    change(subscription, HALF, "byok")
    changed = change(subscription, HALF, "hybrid")
    assert changed.scheduled_plan_id is None
    assert [name for name, _, _ in events(subscription)] == [
        "downgrade_scheduled",
        "schedule_cleared",
    ]
    pool = CreditPool.objects.get(org=alpha)
    assert (pool.next_price_plan, pool.next_price_plan_at) == (None, None)
    change(subscription, HALF, "hybrid")
    assert len(events(subscription)) == 2


def test_an_upgrade_replaces_a_scheduled_downgrade(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START)
    change(subscription, HALF, "byok")
    changed = change(subscription, HALF, "hybrid")
    assert (changed.plan_id, changed.scheduled_plan_id) == ("hybrid", None)
    assert CreditPool.objects.get(org=alpha).next_price_plan is None


def test_monthly_to_yearly_begins_a_year_now_less_the_rest_of_the_month(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START)
    changed = change(subscription, HALF, cycle="yearly")
    changed.refresh_from_db()
    assert changed.billing_cycle == "yearly"
    assert changed.monthly_price == Decimal("50.00")
    assert changed.period_anchor == HALF
    assert (changed.current_period_start, changed.current_period_end) == (
        HALF,
        HALF.replace(year=2027),
    )
    assert events(subscription) == [("billing_cycle_changed", Decimal("475.00"), "pending")]


def test_a_dearer_plan_and_a_year_at_once_are_one_charge(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START)
    changed = change(subscription, HALF, "hybrid", "yearly")
    assert (changed.plan_id, changed.billing_cycle) == ("hybrid", "yearly")
    assert changed.current_period_start == HALF
    assert events(subscription) == [("subscription_upgraded", Decimal("965.00"), "pending")]


def test_a_cheaper_plan_and_a_year_wait_together(alpha, subscribed):
    subscription = subscribed(alpha, "hybrid", at=START)
    changed = change(subscription, HALF, "byok", "yearly")
    assert (changed.plan_id, changed.billing_cycle) == ("hybrid", "monthly")
    assert (changed.scheduled_plan_id, changed.scheduled_cycle) == ("byok", "yearly")
    assert events(subscription) == [("downgrade_scheduled", Decimal("0.00"), None)]


def test_a_year_in_a_trial_begins_when_the_trial_is_over(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START, trial_days=10)
    changed = change(subscription, START + timedelta(days=1), cycle="yearly")
    assert changed.billing_cycle == "yearly"
    assert changed.current_period_end == START + timedelta(days=10)
    assert changed.period_anchor == START + timedelta(days=10)
    assert events(subscription) == [("billing_cycle_changed", Decimal("0.00"), None)]


def test_yearly_to_monthly_waits_and_can_be_taken_back(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START, billing_cycle="yearly")
    changed = change(subscription, HALF, cycle="monthly")
    assert (changed.billing_cycle, changed.scheduled_cycle) == ("yearly", "monthly")
    change(subscription, HALF, cycle="monthly")
    changed = change(subscription, HALF, cycle="yearly")
    assert changed.scheduled_cycle is None
    assert events(subscription) == [
        ("cycle_change_scheduled", Decimal("0.00"), None),
        ("schedule_cleared", Decimal("0.00"), None),
    ]


def test_a_dearer_plan_with_a_shorter_cycle_acts_now_and_waits_with_the_cycle(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START, billing_cycle="yearly")
    changed = change(subscription, START, "hybrid", "monthly")
    assert (changed.plan_id, changed.billing_cycle, changed.scheduled_cycle) == (
        "hybrid",
        "yearly",
        "monthly",
    )
    assert events(subscription) == [
        ("subscription_upgraded", Decimal("490.00"), "pending"),
        ("cycle_change_scheduled", Decimal("0.00"), None),
    ]


def test_asking_for_nothing_new_writes_nothing(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START)
    changed = change(subscription, HALF, "platform", "monthly")
    assert changed.updated_at == START
    assert events(subscription) == []


def test_an_upgrade_costs_nothing_below_a_dearer_custom_price(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START, monthly_price=Decimal("150.00"))
    changed = change(subscription, HALF, "hybrid")
    assert changed.monthly_price == Decimal("99.00")
    assert events(subscription) == [("subscription_upgraded", Decimal("0.00"), None)]


def test_a_plan_not_offered_any_more_is_refused_and_keeping_it_is_not(alpha, subscribed):
    subscription = subscribed(alpha, "platform", at=START)
    Plan.objects.update(is_active=False)
    with pytest.raises(InvalidRequest):
        change(subscription, HALF, "hybrid")
    assert change(subscription, HALF, "platform").plan_id == "platform"


def test_a_subscription_of_another_organization_is_not_found(alpha, globex, subscribed):
    subscription = subscribed(alpha, at=START)
    subscription.org_id = globex.id
    with pytest.raises(NotFound):
        change(subscription, HALF, "hybrid")
    subscription.org_id, subscription.id = alpha.id, uuid7()
    with pytest.raises(NotFound):
        change(subscription, HALF, "hybrid")


def test_one_whose_scheduled_end_has_passed_cannot_be_changed(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    Subscription.objects.filter(org=alpha).update(cancel_at_period_end=True)
    with pytest.raises(SubscriptionCanceled):
        change(subscription, END, "hybrid")
    assert change(subscription, END - timedelta(seconds=1), "hybrid").plan_id == "hybrid"
