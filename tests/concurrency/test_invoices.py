"""Payments opened by many at once, while several issue invoices: one each, and no number is missing."""

import threading
from decimal import Decimal

import pytest
from django.db import transaction

from billing import invoicing
from billing.choices import EventType, PaymentStatus
from billing.models import BillingEvent, Invoice, Payment, Subscription
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from billing.settling import settle
from billing.subscribing import Order, subscribe
from orgbilling.lib import transactions
from orgbilling.lib.clock import database_now
from tests.concurrency.threads import Elsewhere, together
from tests.ledger import ORIGIN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("smooth")]


def numbers(org):
    return list(Invoice.objects.filter(org=org).order_by("number").values_list("number", flat=True))


def buy(org):
    return transactions.run(
        lambda: buy_on_account(organization=org, parcel=Parcel(1), origin=ORIGIN)
    )


def test_buyers_and_issuers_at_once(alpha, globex):
    subscribe(organization=alpha, order=Order("platform"), origin=ORIGIN)
    done = threading.Event()

    def issue():
        """Again and again, until all is bought."""
        total = 0
        while not done.is_set():
            total += invoicing.issue_missing(alpha.pk)
        return total + invoicing.issue_missing(alpha.pk)

    def all_buy():
        try:
            return together([lambda: buy(alpha)] * 16 + [lambda: buy(globex)] * 4)
        finally:
            done.set()

    ends = together([issue] * 3 + [all_buy])
    assert all(isinstance(end, tuple) for end in ends[-1])
    assert sum(ends[:3]) == 17
    assert numbers(alpha) == list(range(1, 18))
    invoiced = Invoice.objects.filter(org=alpha).values_list("payment_id", flat=True)
    assert sorted(invoiced) == sorted(
        Payment.objects.filter(org=alpha).values_list("id", flat=True)
    )
    assert numbers(globex) == []
    assert invoicing.issue_due() == 4
    assert numbers(globex) == [1, 2, 3, 4]


def test_many_issuers_of_the_same_payments(alpha):
    for _ in range(12):
        add_at_named_price(org_id=alpha.pk, parcel=Parcel(1, Decimal("1.00")), origin=ORIGIN)
    ends = together([lambda: invoicing.issue_missing(alpha.pk)] * 8)
    assert sum(ends) == 12
    assert numbers(alpha) == list(range(1, 13))


def test_nobody_who_opens_a_payment_waits_for_an_issuer(alpha):
    """Nor who settles the payment that is being invoiced."""
    buy(alpha)
    payment = Payment.objects.get()
    with transaction.atomic():
        assert invoicing._issue_next(payment)
        others = [
            Elsewhere(lambda: buy(alpha)),
            Elsewhere(lambda: settle(org_id=alpha.pk, payment_id=payment.pk, origin=ORIGIN)),
        ]
        assert [other.is_stuck() for other in others] == [False, False]
        assert not any(isinstance(other.result(), Exception) for other in others)
    assert numbers(alpha) == [1]
    assert invoicing.issue_missing(alpha.pk) == 1


def test_an_issuer_that_is_undone_leaves_no_gap(alpha):
    for _ in range(3):
        buy(alpha)
    payments = list(Payment.objects.order_by("created_at", "id"))

    class Killed(Exception):
        pass

    with pytest.raises(Killed), transaction.atomic():
        assert invoicing._issue_next(payments[0])
        rival = Elsewhere(lambda: invoicing.issue_missing(alpha.pk))
        # It wants the same number, and waits to see whether that is given.
        assert rival.is_stuck()
        raise Killed
    assert rival.result() == 3
    assert numbers(alpha) == [1, 2, 3]


def test_two_who_are_billed_never_wait_for_each_other_s_job(alpha):
    """A key that both jobs had would be held by one of them while it waits for a lock of the other."""
    subscribe(organization=alpha, order=Order("platform"), origin=ORIGIN)
    subscription = Subscription.objects.get()
    with transaction.atomic():
        BillingEvent.objects.record(
            org_id=alpha.pk,
            origin=ORIGIN,
            moment=database_now(),
            payment=PaymentStatus.PENDING,
            subscription=subscription,
            event_type=EventType.SUBSCRIPTION_RENEWED,
            amount=subscription.monthly_price,
        )
        other = Elsewhere(lambda: buy(alpha))
        assert not other.is_stuck()
        assert isinstance(other.result(), tuple)
    assert invoicing.issue_missing(alpha.pk) == 3
