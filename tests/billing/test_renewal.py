"""Periods follow one another: each billed once, on the right days, however late it is written."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing import cancellation, plan_change, renewal
from billing.models import BillingEvent, Payment, Plan, Subscription
from billing.subscribing import Order, subscribe
from credits.choices import FOREVER
from credits.deducting import deduct
from credits.errors import SubscriptionInactive
from credits.models import CreditPool, JournalEntry
from credits.sweeping import refresh_due
from orgbilling.lib.clock import simulated
from tests.billing.clockwork import advance, billed, day, told
from tests.billing.conftest import ORIGIN
from tests.ledger import charge, fund, give

START = day("2026-11-01")
END = day("2026-12-01")


@pytest.fixture(autouse=True)
def patient(settings):
    """Nothing is overdue here."""
    settings.PAYMENT_TERMS_DAYS = 3650


def assert_gapless(periods, anchor: datetime, months: int) -> None:
    """Each period begins where the one before ended, on the anchor's day or the month's last."""
    for number, (start, end, _amount) in enumerate(periods):
        month = anchor.month - 1 + number * months
        year, month = anchor.year + month // 12, month % 12 + 1
        expected = min(anchor.day, monthrange(year, month)[1])
        assert (start.year, start.month, start.day) == (year, month, expected)
        assert start.time() == anchor.time()
        if number:
            assert start == periods[number - 1][1]
        assert end > start


@pytest.mark.parametrize("anchor", ["2023-01-29", "2023-01-30", "2023-01-31", "2023-11-15"])
@pytest.mark.parametrize("every_days", [7, 400], ids=["weekly", "late"])
def test_ten_years_of_months_are_billed_once_each(alpha, subscribed, anchor, every_days):
    start = day(anchor).replace(hour=13, minute=37, second=42)
    subscription = subscribed(alpha, at=start)
    ends = start.replace(year=start.year + 10)
    moments = [start + timedelta(days=every_days * number) for number in range(1, 523)]
    for moment in [one for one in moments if one < ends] + [ends - timedelta(seconds=1)]:
        advance(subscription, moment)
    periods = billed(subscription)
    assert len(periods) == 120
    assert {amount for _, _, amount in periods} == {Decimal("50.00")}
    assert_gapless(periods, start, 1)
    assert periods[-1][1] == ends
    assert Payment.objects.filter(org=alpha, status="pending").count() == 120


@pytest.mark.parametrize("anchor", ["2024-02-29", "2023-05-31"])
def test_ten_years_of_years_are_billed_once_each(alpha, subscribed, anchor):
    start = day(anchor)
    subscription = subscribed(alpha, at=start, billing_cycle="yearly")
    for number in range(1, 60):
        advance(subscription, start + timedelta(days=61 * number))
    periods = billed(subscription)
    assert len(periods) == 10
    assert {amount for _, _, amount in periods} == {Decimal("500.00")}
    assert_gapless(periods, start, 12)
    if start.day == 29:
        assert [(begin.month, begin.day) for begin, _, _ in periods[:5]] == [
            (2, 29),
            (2, 28),
            (2, 28),
            (2, 28),
            (2, 29),
        ]


def test_ninety_days_without_a_job_bill_every_period_once(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    row = advance(subscription, START + timedelta(days=90))
    assert billed(subscription) == [
        (START, END, Decimal("50.00")),
        (END, day("2027-01-01"), Decimal("50.00")),
        (day("2027-01-01"), day("2027-02-01"), Decimal("50.00")),
    ]
    assert (row.status, row.current_period_end) == ("active", day("2027-02-01"))
    # The bills were written on the ninetieth day: their terms of payment begin then.
    late = Payment.objects.filter(org=alpha).order_by("created_at").last()
    assert late.created_at == START + timedelta(days=90)


def test_a_second_run_finds_nothing_to_do(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    first = advance(subscription, END)
    again = advance(subscription, END)
    assert told(subscription) == ["subscription_renewed"]
    assert again.updated_at == first.updated_at


def test_a_period_lasts_to_its_last_moment(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    advance(subscription, END - timedelta(microseconds=1))
    assert told(subscription) == []
    advance(subscription, END)
    assert told(subscription) == ["subscription_renewed"]


def test_the_event_names_the_period_and_the_price(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    advance(subscription, END)
    event = BillingEvent.objects.with_payment_status().get(event_type="subscription_renewed")
    assert (event.operation, event.idempotency_key) == (
        "renewal",
        f"{subscription.pk}:2026-12-01T00:00:00Z",
    )
    assert (event.period_start, event.period_end) == (END, day("2027-01-01"))
    assert (event.amount, event.currency, event.payment_status) == (
        Decimal("50.00"),
        "USD",
        "pending",
    )
    assert event.metadata == {"plan": "platform", "billing_cycle": "monthly"}
    assert event.actor == "system"


def test_a_subscription_keeps_its_price_when_the_catalogue_changes(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    Plan.objects.filter(code="platform").update(monthly_price=Decimal("75.00"))
    advance(subscription, END)
    assert [amount for _, _, amount in billed(subscription)] == [Decimal("50.00")] * 2


def test_a_free_subscription_renews_with_nothing_to_pay(alpha, subscribed):
    subscription = subscribed(alpha, at=START, monthly_price=Decimal("0.00"))
    advance(subscription, END)
    assert told(subscription) == ["subscription_renewed"]
    assert Payment.objects.count() == 0


def test_a_trial_becomes_paid_when_it_ends(alpha, subscribed):
    subscription = subscribed(alpha, at=START, trial_days=14)
    over = START + timedelta(days=14)
    assert advance(subscription, over - timedelta(seconds=1)).status == "trialing"
    row = advance(subscription, over + timedelta(days=3))
    assert (row.status, row.current_period_start, row.current_period_end) == (
        "active",
        over,
        day("2026-12-15"),
    )
    assert told(subscription) == ["subscription_activated"]
    assert billed(subscription) == [(over, day("2026-12-15"), Decimal("50.00"))]
    assert CreditPool.objects.get(org=alpha).spending_until == FOREVER


def test_a_trial_that_was_forgotten_for_months_is_billed_from_its_end(alpha, subscribed):
    subscription = subscribed(alpha, at=START, trial_days=30)
    advance(subscription, day("2027-03-05"))
    assert told(subscription) == ["subscription_activated"] + ["subscription_renewed"] * 3
    assert billed(subscription)[0][0] == END
    assert billed(subscription)[-1][1] == day("2027-04-01")


def test_no_late_activation_stops_a_customer(alpha, bob, subscribed):
    subscribed(alpha, at=START, trial_days=14)
    with simulated(START):
        fund(alpha, 100)
        give(alpha, bob, 100, recurring=False)
    with simulated(START + timedelta(days=60)):
        assert deduct(charge(alpha, bob, 1)).charged.remaining_credits == 99


def test_a_trial_that_is_told_to_end_stops_without_a_job(alpha, bob, subscribed):
    subscription = subscribed(alpha, at=START, trial_days=14)
    with simulated(START):
        fund(alpha, 100)
        give(alpha, bob, 100, recurring=False)
        cancellation.set_at_period_end(
            org_id=alpha.pk, subscription_id=subscription.pk, ends=True, origin=ORIGIN
        )
    with simulated(START + timedelta(days=14)), pytest.raises(SubscriptionInactive):
        deduct(charge(alpha, bob, 1))


@pytest.mark.parametrize("sweep_first", [True, False], ids=["refreshed first", "activated first"])
def test_a_late_activation_loses_no_refresh(alpha, subscribed, sweep_first):
    subscription = subscribed(alpha, at=START, trial_days=20)
    with simulated(day("2026-11-10")):
        CreditPool.objects.change_settings(org_id=alpha.pk, monthly_refresh_amount=100)
    late = day("2027-02-25")
    if sweep_first:
        with simulated(late):
            refresh_due()
    assert advance(subscription, late).status == "active"
    with simulated(late):
        refresh_due()
    rows = JournalEntry.objects.filter(org=alpha, kind="refresh").order_by("period_start")
    assert list(rows.values_list("period_start", flat=True)) == [
        day("2026-12-10"),
        day("2027-01-10"),
        day("2027-02-10"),
    ]


def test_a_canceled_trial_ends_unpaid(alpha, subscribed):
    subscription = subscribed(alpha, at=START, trial_days=14)
    with simulated(START + timedelta(days=1)):
        cancellation.set_at_period_end(
            org_id=alpha.pk, subscription_id=subscription.pk, ends=True, origin=ORIGIN
        )
    row = advance(subscription, START + timedelta(days=20))
    assert (row.status, row.canceled_at) == ("canceled", START + timedelta(days=14))
    assert billed(subscription) == []
    assert CreditPool.objects.get(org=alpha).spending_until is None


def test_a_scheduled_end_is_written_as_of_then(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    with simulated(START + timedelta(days=1)):
        cancellation.set_at_period_end(
            org_id=alpha.pk, subscription_id=subscription.pk, ends=True, origin=ORIGIN
        )
    row = advance(subscription, day("2027-02-10"))
    assert (row.status, row.canceled_at, row.cancel_at_period_end) == ("canceled", END, False)
    assert told(subscription) == ["cancellation_scheduled", "subscription_canceled"]
    assert len(billed(subscription)) == 1
    assert advance(subscription, day("2028-01-01")).updated_at == day("2027-02-10")


def test_a_scheduled_downgrade_takes_the_new_plan_with_its_prices(alpha, subscribed):
    subscription = subscribed(alpha, "hybrid", at=START, monthly_price=Decimal("77.00"))
    with simulated(START + timedelta(days=3)):
        plan_change.change(
            org_id=alpha.pk,
            subscription_id=subscription.pk,
            plan="byok",
            billing_cycle=None,
            origin=ORIGIN,
        )
    row = advance(subscription, END)
    assert (row.plan_id, row.monthly_price, row.scheduled_plan_id) == (
        "byok",
        Decimal("30.00"),
        None,
    )
    event = BillingEvent.objects.get(event_type="subscription_renewed")
    assert event.amount == Decimal("30.00")
    assert event.metadata == {
        "from": {"plan": "hybrid", "billing_cycle": "monthly"},
        "to": {"plan": "byok", "billing_cycle": "monthly"},
    }
    pool = CreditPool.objects.get(org=alpha)
    assert (pool.price_plan, pool.next_price_plan, pool.next_price_plan_at) == ("byok", None, None)


def test_a_scheduled_cycle_begins_with_the_period_and_keeps_the_anchor(alpha, subscribed):
    start = day("2024-02-29")
    subscription = subscribed(alpha, at=start, billing_cycle="yearly")
    with simulated(start + timedelta(days=3)):
        plan_change.change(
            org_id=alpha.pk,
            subscription_id=subscription.pk,
            plan=None,
            billing_cycle="monthly",
            origin=ORIGIN,
        )
    advance(subscription, day("2025-03-29"))
    assert [(begin, amount) for begin, _, amount in billed(subscription)] == [
        (start, Decimal("500.00")),
        (day("2025-02-28"), Decimal("50.00")),
        (day("2025-03-29"), Decimal("50.00")),
    ]


def test_whoever_changes_a_subscription_decides_by_the_period_it_is_now(alpha, subscribed):
    subscription = subscribed(alpha, "byok", at=START)
    half = END + timedelta(days=15, hours=12)
    with simulated(half):
        changed = plan_change.change(
            org_id=alpha.pk,
            subscription_id=subscription.pk,
            plan="platform",
            billing_cycle=None,
            origin=ORIGIN,
        )
    assert changed.current_period_start == END
    assert told(subscription) == ["subscription_renewed", "subscription_upgraded"]
    # Half of the difference: of the second month, not of the first, which was over.
    assert billed(subscription)[-1] == (half, day("2027-01-01"), Decimal("10.00"))


def test_a_former_subscription_whose_end_has_passed_is_not_in_the_way(alpha, subscribed):
    former = subscribed(alpha, at=START)
    with simulated(START):
        cancellation.set_at_period_end(
            org_id=alpha.pk, subscription_id=former.pk, ends=True, origin=ORIGIN
        )
    later = datetime(2027, 1, 9, 8, tzinfo=UTC)
    with simulated(later):
        second = subscribe(organization=alpha, order=Order("byok"), origin=ORIGIN)
    former.refresh_from_db()
    assert (former.status, former.canceled_at) == ("canceled", END)
    assert second.current_period_start == later
    assert Subscription.objects.live().get(org=alpha) == second


@pytest.mark.parametrize(
    "broken",
    [
        "billing.models.BillingEvent.objects.record",
        "billing.entitlement.apply",
        "billing.alarm.set_for",
        "billing.renewal._renew",
    ],
)
def test_a_worker_that_dies_at_any_step_leaves_nothing_half(alpha, subscribed, monkeypatch, broken):
    subscription = subscribed(alpha, at=START)
    before = Subscription.objects.filter(pk=subscription.pk).values().get()

    def die(*_args, **_values):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        owner, _, name = broken.rpartition(".")
        if owner.endswith("objects"):
            patched.setattr(type(BillingEvent.objects), name, die)
        else:
            patched.setattr(broken, die)
        with pytest.raises(KeyboardInterrupt):
            advance(subscription, END + timedelta(days=40))
    assert Subscription.objects.filter(pk=subscription.pk).values().get() == before
    assert told(subscription) == []
    advance(subscription, END + timedelta(days=40))
    assert told(subscription) == ["subscription_renewed", "subscription_renewed"]


def test_turns_are_counted(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    locked = Subscription.objects.get(pk=subscription.pk)
    assert renewal.bring_up(locked, day("2027-03-01"), request_id="test") == 4
