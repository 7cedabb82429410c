"""Credits drawn over the pool: billed once, with the period in which they were drawn."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import cancellation, overage, pausing, plan_change, pool_settings, sweeping
from billing.models import BillingEvent, Payment
from credits.deducting import deduct
from credits.models import CreditPool, OveragePeriod
from credits.sweeping import close_overage_due
from orgbilling.lib.clock import simulated
from orgbilling.lib.errors import InvalidRequest
from tests.billing.clockwork import advance, billed, day, pay
from tests.billing.conftest import ORIGIN
from tests.ledger import charge, fund, give

START = day("2026-11-01")
END = day("2026-12-01")


@pytest.fixture(autouse=True)
def patient(settings):
    """Nothing is overdue here."""
    settings.PAYMENT_TERMS_DAYS = 3650


@pytest.fixture
def drawing(alpha, bob, subscribed):
    """Hybrid, 100 credits for Bob, and up to 30,000 a period over that."""
    subscription = subscribed(alpha, "hybrid", at=START)
    with simulated(START):
        fund(alpha, 100)
        give(alpha, bob, 100, recurring=False)
        pool_settings.change(
            org_id=alpha.pk, values={"allow_overage": True, "overage_limit": 30_000}, origin=ORIGIN
        )
    return subscription


def draw(org, user, credits, at):
    with simulated(at):
        return deduct(charge(org, user, credits))


def charges(org):
    rows = BillingEvent.objects.filter(org=org, event_type="overage_charge").order_by("period_end")
    return [(row.period_start, row.period_end, row.amount) for row in rows]


def test_a_period_s_overage_is_billed_with_its_end(alpha, bob, drawing):
    draw(alpha, bob, 350, START + timedelta(days=3))
    draw(alpha, bob, 83, START + timedelta(days=20))
    assert charges(alpha) == []
    advance(drawing, END)
    assert charges(alpha) == [(START, END, Decimal("3.33"))]
    event = BillingEvent.objects.with_payment_status().get(event_type="overage_charge")
    assert event.payment_status == "pending"
    assert event.subscription_id == drawing.pk
    assert event.metadata == {"overage_credits": 333, "overage_rate": "0.01"}
    assert (event.operation, event.idempotency_key) == (
        "overage",
        "overage:2026-12-01T00:00:00+00:00",
    )
    pool = CreditPool.objects.get(org=alpha)
    assert (pool.overage_used, pool.overage_used_period) == (333, 0)
    assert (pool.overage_period_start, pool.overage_period_end) == (END, day("2027-01-01"))


def test_a_period_without_overage_costs_nothing_more(alpha, bob, drawing):
    draw(alpha, bob, 100, START)
    advance(drawing, day("2027-03-01"))
    assert charges(alpha) == []


def test_it_is_billed_once_by_whatever_closed_it(alpha, bob, drawing):
    draw(alpha, bob, 200, START)
    with simulated(END):
        assert close_overage_due() == 1
        for _ in range(2):
            sweeping.advance_due()
    # The first charge of the next period would have closed it too.
    draw(alpha, bob, 40, END + timedelta(days=1))
    advance(drawing, day("2027-01-01"))
    assert charges(alpha) == [
        (START, END, Decimal("1.00")),
        (END, day("2027-01-01"), Decimal("0.40")),
    ]


def test_a_charge_before_a_late_renewal_counts_to_the_next_period(alpha, bob, drawing):
    draw(alpha, bob, 200, START)
    draw(alpha, bob, 40, END + timedelta(days=5))
    assert OveragePeriod.objects.get().credits == 100
    assert charges(alpha) == []
    advance(drawing, END + timedelta(days=70))
    assert charges(alpha) == [
        (START, END, Decimal("1.00")),
        (END, day("2027-01-01"), Decimal("0.40")),
    ]
    assert CreditPool.objects.get(org=alpha).overage_used == 140


@pytest.mark.parametrize("hours", [1, 24 * 20])
def test_what_was_drawn_before_a_cancellation_is_billed(alpha, bob, drawing, hours):
    draw(alpha, bob, 200, START)
    moment = START + timedelta(hours=hours)
    with simulated(moment):
        cancellation.cancel(org_id=alpha.pk, subscription_id=drawing.pk, origin=ORIGIN)
    assert charges(alpha) == [(START, moment, Decimal("1.00"))]
    pool = CreditPool.objects.get(org=alpha)
    assert (pool.overage_used_period, pool.overage_period_end) == (0, None)


def test_a_scheduled_end_bills_the_last_period(alpha, bob, drawing):
    draw(alpha, bob, 200, START)
    with simulated(START):
        cancellation.set_at_period_end(
            org_id=alpha.pk, subscription_id=drawing.pk, ends=True, origin=ORIGIN
        )
    with simulated(END + timedelta(days=2)):
        close_overage_due()
    advance(drawing, END + timedelta(days=9))
    assert charges(alpha) == [(START, END, Decimal("1.00"))]


def test_a_free_rate_is_recorded_with_nothing_to_pay(alpha, bob, drawing):
    with simulated(START):
        pool_settings.change(
            org_id=alpha.pk, values={"overage_rate": Decimal("0.00")}, origin=ORIGIN
        )
    draw(alpha, bob, 200, START)
    pay(drawing, START)
    advance(drawing, END)
    assert charges(alpha) == [(START, END, Decimal("0.00"))]
    assert Payment.objects.pending().count() == 1


def test_a_downgrade_brings_the_limit_to_the_new_plan_s_ceiling(alpha, bob, drawing):
    draw(alpha, bob, 20_000, START)
    with simulated(START + timedelta(days=1)):
        plan_change.change(
            org_id=alpha.pk,
            subscription_id=drawing.pk,
            plan="byok",
            billing_cycle=None,
            origin=ORIGIN,
        )
    assert CreditPool.objects.get(org=alpha).overage_limit == 30_000
    advance(drawing, END)
    assert CreditPool.objects.get(org=alpha).overage_limit == 5_000
    assert charges(alpha) == [(START, END, Decimal("199.00"))]


def test_a_new_subscription_of_a_smaller_plan_keeps_to_its_ceiling(alpha, drawing, subscribed):
    with simulated(START + timedelta(days=1)):
        cancellation.cancel(org_id=alpha.pk, subscription_id=drawing.pk, origin=ORIGIN)
    subscribed(alpha, "platform", at=START + timedelta(days=2))
    assert CreditPool.objects.get(org=alpha).overage_limit == 10_000


def go_yearly(subscription, at):
    with simulated(at):
        return plan_change.change(
            org_id=subscription.org_id,
            subscription_id=subscription.pk,
            plan=None,
            billing_cycle="yearly",
            origin=ORIGIN,
        )


def test_a_period_that_begins_anew_ends_the_one_of_overage(alpha, bob, drawing):
    draw(alpha, bob, 200, START)
    restart = START + timedelta(days=10, microseconds=5)
    go_yearly(drawing, restart)
    assert charges(alpha) == [(START, restart, Decimal("1.00"))]
    pool = CreditPool.objects.get(org=alpha)
    assert (pool.overage_period_start, pool.overage_period_end) == (restart, day("2027-11-11"))
    assert (pool.overage_used, pool.overage_used_period) == (100, 0)
    draw(alpha, bob, 30, restart + timedelta(days=40))
    advance(drawing, day("2027-11-11"))
    assert charges(alpha)[1:] == [(restart, day("2027-11-11"), Decimal("0.30"))]
    assert len(billed(drawing)) == 5


def test_one_that_begins_anew_in_its_first_moment_goes_on(alpha, bob, drawing):
    draw(alpha, bob, 200, START)
    go_yearly(drawing, START)
    assert charges(alpha) == []
    pool = CreditPool.objects.get(org=alpha)
    assert (pool.overage_used_period, pool.overage_period_end) == (100, day("2027-11-01"))


def test_a_year_in_a_trial_ends_no_period_of_overage(alpha, bob, subscribed):
    trial = subscribed(alpha, "hybrid", at=START, trial_days=10)
    go_yearly(trial, START + timedelta(days=1))
    pool = CreditPool.objects.get(org=alpha)
    assert (pool.overage_period_start, pool.overage_period_end) == (
        START,
        START + timedelta(days=10),
    )


def test_what_a_paused_one_has_drawn_is_billed_without_waiting(alpha, bob, drawing):
    draw(alpha, bob, 350, START + timedelta(days=3))
    with simulated(START + timedelta(days=19)):
        pausing.pause(org_id=alpha.pk, subscription_id=drawing.pk, origin=ORIGIN)
    with simulated(END):
        assert sweeping.advance_due() == 0
        assert close_overage_due() == 1
        assert sweeping.advance_due() == 1
        assert sweeping.advance_due() == 0
    assert charges(alpha) == [(START, END, Decimal("2.50"))]
    with simulated(END + timedelta(days=60)):
        pausing.resume(org_id=alpha.pk, subscription_id=drawing.pk, origin=ORIGIN)
    assert len(charges(alpha)) == 1


def test_the_sweep_bills_what_is_closed_of_an_active_one(alpha, bob, drawing):
    draw(alpha, bob, 350, START + timedelta(days=3))
    with simulated(START + timedelta(days=4)):
        overage.restart(drawing, START + timedelta(days=4))
        assert sweeping.advance_due() == 1
    assert charges(alpha) == [(START, START + timedelta(days=4), Decimal("2.50"))]


def allow(org, at):
    with simulated(at):
        return pool_settings.change(org_id=org.pk, values={"allow_overage": True}, origin=ORIGIN)


def created(org):
    rows = BillingEvent.objects.filter(org=org, event_type="subscription_created").order_by("id")
    return [row.metadata.get("overage_switched_off") for row in rows]


def test_a_trial_gives_no_overage(alpha, bob, subscribed):
    trial = subscribed(alpha, "hybrid", at=START, trial_days=10)
    with pytest.raises(InvalidRequest) as refused:
        allow(alpha, START)
    (error,) = refused.value.extra["errors"]
    assert (error["field"], error["code"]) == ("allow_overage", "not_in_trial")
    assert created(alpha) == [None]
    with simulated(START):
        pool_settings.change(org_id=alpha.pk, values={"allow_overage": False}, origin=ORIGIN)
    # Nobody has written yet that the trial is over: what changes settings does.
    assert allow(alpha, START + timedelta(days=11)).allow_overage
    trial.refresh_from_db()
    assert trial.status == "active"


def test_without_a_subscription_no_overage_is_allowed(alpha):
    with pytest.raises(InvalidRequest) as refused:
        allow(alpha, START)
    assert refused.value.extra["errors"][0]["field"] == "allow_overage"


@pytest.mark.parametrize(
    ("trial_days", "drawn", "paid", "why"),
    [
        (7, 0, False, "trial"),
        (7, 50, True, "trial"),
        (0, 50, False, "unpaid_overage"),
        (0, 50, True, None),
        (0, 0, False, None),
    ],
)
def test_who_begins_anew_gets_no_more_on_credit(
    alpha, bob, drawing, subscribed, trial_days, drawn, paid, why
):
    draw(alpha, bob, 100 + drawn, START)
    later = START + timedelta(days=1)
    with simulated(later):
        cancellation.cancel(org_id=alpha.pk, subscription_id=drawing.pk, origin=ORIGIN)
    if paid:
        pay(drawing, later)
    subscribed(alpha, "hybrid", at=later, trial_days=trial_days)
    assert CreditPool.objects.get(org=alpha).allow_overage == (why is None)
    assert created(alpha) == [None, why]
