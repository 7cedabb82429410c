"""Charges that aren't paid: past due, recovered, given up; and what may be spent meanwhile."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import cancellation, settling, sweeping
from billing.models import BillingEvent, BillingSummary, Payment, Subscription
from billing.purchase import Parcel, buy_on_account
from credits.choices import FOREVER
from credits.models import CreditPool
from orgbilling.lib.clock import simulated
from orgbilling.lib.errors import InvalidRequest, NotFound
from orgbilling.lib.ids import uuid7
from tests.billing.clockwork import advance, billed, day, pay, told
from tests.billing.conftest import ORIGIN

START = day("2026-11-01")
END = day("2026-12-01")
DUE = START + timedelta(days=14)
GIVEN_UP = DUE + timedelta(days=30)


def spending_until(org):
    return CreditPool.objects.get(org=org).spending_until


def test_an_unpaid_charge_makes_it_past_due_after_the_terms(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    assert advance(subscription, DUE - timedelta(seconds=1)).status == "active"
    row = advance(subscription, DUE)
    assert (row.status, row.past_due_since, row.past_due_until) == ("past_due", DUE, GIVEN_UP)
    assert told(subscription) == ["payment_overdue"]
    assert spending_until(alpha) == GIVEN_UP


def test_the_terms_are_settings(alpha, subscribed, settings):
    settings.PAYMENT_TERMS_DAYS = 3
    settings.PAST_DUE_DAYS = 2
    subscription = subscribed(alpha, at=START)
    assert advance(subscription, START + timedelta(days=3)).status == "past_due"
    assert advance(subscription, START + timedelta(days=5)).status == "canceled"


def test_a_paid_subscription_is_never_past_due(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    pay(subscription, START + timedelta(days=2))
    assert advance(subscription, END - timedelta(seconds=1)).status == "active"
    assert told(subscription) == ["payment_received"]


def test_settling_what_is_overdue_brings_it_back(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    advance(subscription, DUE)
    pay(subscription, DUE + timedelta(days=1))
    subscription.refresh_from_db()
    assert (subscription.status, subscription.past_due_since) == ("active", None)
    assert told(subscription) == ["payment_overdue", "payment_received", "subscription_recovered"]
    assert spending_until(alpha) == FOREVER


def test_it_comes_back_with_the_last_overdue_payment(alpha, subscribed, settings):
    settings.PAST_DUE_DAYS = 60
    subscription = subscribed(alpha, at=START, monthly_price=Decimal("10.00"))
    advance(subscription, DUE)
    # The second month is billed while the first is owed, and falls due too.
    advance(subscription, END)
    late = END + timedelta(days=14)
    assert advance(subscription, late).status == "past_due"
    pay(subscription, late, count=1)
    subscription.refresh_from_db()
    assert subscription.status == "past_due"
    pay(subscription, late, count=1)
    subscription.refresh_from_db()
    assert subscription.status == "active"
    assert Payment.objects.pending().count() == 0


def test_a_newer_charge_that_is_not_due_yet_keeps_nobody_past_due(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    advance(subscription, DUE)
    advance(subscription, END)
    pay(subscription, END + timedelta(days=1), count=1)
    subscription.refresh_from_db()
    assert subscription.status == "active"
    assert Payment.objects.pending().count() == 1


def test_past_due_for_too_long_ends_it(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    advance(subscription, DUE)
    assert advance(subscription, GIVEN_UP - timedelta(seconds=1)).status == "past_due"
    row = advance(subscription, GIVEN_UP + timedelta(days=2))
    assert (row.status, row.canceled_at, row.past_due_since) == ("canceled", GIVEN_UP, None)
    assert told(subscription) == [
        "payment_overdue",
        "subscription_renewed",
        "subscription_canceled",
    ]
    last = BillingEvent.objects.get(event_type="subscription_canceled")
    assert (last.notes, last.metadata) == ("Unpaid for too long.", {"at": "2026-12-15T00:00:00Z"})
    assert spending_until(alpha) is None


def test_what_was_due_to_end_first_ends_it(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    advance(subscription, DUE)
    with simulated(DUE):
        cancellation.set_at_period_end(
            org_id=alpha.pk, subscription_id=subscription.pk, ends=True, origin=ORIGIN
        )
    assert spending_until(alpha) == END
    assert advance(subscription, GIVEN_UP + timedelta(days=9)).canceled_at == END
    assert len(billed(subscription)) == 1


def test_after_it_was_given_up_no_period_is_billed_however_late_the_job(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    advance(subscription, DUE)
    row = advance(subscription, START + timedelta(days=400))
    assert row.canceled_at == GIVEN_UP
    assert [start for start, _, _ in billed(subscription)] == [START, END]


def test_nobody_is_canceled_for_days_in_which_nobody_was_told(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    late = START + timedelta(days=90)
    row = advance(subscription, late)
    assert (row.status, row.past_due_since) == ("past_due", late)
    assert len(billed(subscription)) == 3
    assert told(subscription) == ["subscription_renewed", "subscription_renewed", "payment_overdue"]


def test_a_payment_settled_in_the_database_counts(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    advance(subscription, DUE)
    Payment.objects.update(status="paid", paid_at=DUE)
    with simulated(GIVEN_UP - timedelta(days=20)):
        assert sweeping.advance_due() == 1
    subscription.refresh_from_db()
    assert subscription.status == "active"


def test_a_void_payment_counts_as_settled(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    advance(subscription, DUE)
    payment = Payment.objects.get()
    with simulated(DUE):
        for _ in range(2):
            voided = settling.void(org_id=alpha.pk, payment_id=payment.pk, origin=ORIGIN)
    assert (voided.status, voided.paid_at) == ("void", None)
    assert told(subscription) == ["payment_overdue", "payment_voided", "subscription_recovered"]
    with pytest.raises(InvalidRequest):
        settling.settle(org_id=alpha.pk, payment_id=payment.pk, origin=ORIGIN)


def test_a_payment_is_settled_once_and_billed_once(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    payment = Payment.objects.get()
    for number in (1, 2):
        with simulated(START + timedelta(days=number)):
            settled = settling.settle(org_id=alpha.pk, payment_id=payment.pk, origin=ORIGIN)
    assert (settled.status, settled.paid_at) == ("paid", START + timedelta(days=1))
    event = BillingEvent.objects.get(event_type="payment_received")
    assert (event.amount, event.subscription_id) == (Decimal("0.00"), subscription.pk)
    assert event.metadata == {
        "payment_id": str(payment.pk),
        "event_id": str(payment.event_id),
        "amount": "50.00",
    }
    summary = BillingSummary.objects.get(org_id=alpha.pk)
    assert (summary.billed_amount, summary.paid_amount, summary.pending_amount) == (
        Decimal("50.00"),
        Decimal("50.00"),
        Decimal("0.00"),
    )
    with pytest.raises(InvalidRequest):
        settling.void(org_id=alpha.pk, payment_id=payment.pk, origin=ORIGIN)


def test_a_purchase_on_account_is_settled_without_a_subscription(alpha, globex):
    buy_on_account(organization=alpha, parcel=Parcel(100), origin=ORIGIN)
    payment = Payment.objects.get()
    with pytest.raises(NotFound):
        settling.settle(org_id=globex.pk, payment_id=payment.pk, origin=ORIGIN)
    with pytest.raises(NotFound):
        settling.settle(org_id=alpha.pk, payment_id=uuid7(), origin=ORIGIN)
    settling.settle(org_id=alpha.pk, payment_id=payment.pk, origin=ORIGIN)
    event = BillingEvent.objects.get(event_type="payment_received")
    assert event.subscription_id is None
    assert Payment.objects.unpaid_purchases(alpha.pk) == Decimal("0.00")


def test_an_unpaid_purchase_makes_no_subscription_past_due(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    pay(subscription, START)
    with simulated(START):
        buy_on_account(organization=alpha, parcel=Parcel(100), origin=ORIGIN)
    with simulated(START + timedelta(days=29)):
        assert sweeping.advance_due() == 0
    assert Subscription.objects.get().status == "active"
