"""Stripe, as a server on this machine, and an organization with something to pay."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from billing import collecting, payment_methods
from billing.models import Payment, PaymentAttempt, PaymentCustomer
from billing.purchase import Parcel, buy_on_account
from credits.models import CreditPool
from organizations.models import Organization
from orgbilling.lib.clock import simulated
from tests.billing.conftest import ORIGIN
from tests.stripe_server import StripeServer, configured


@pytest.fixture
def server(settings, monkeypatch) -> Iterator[StripeServer]:
    """The configured provider; its client tries again without waiting."""
    yield from configured(settings, monkeypatch)


@pytest.fixture
def owing(db: None) -> Callable[[Organization], Payment]:
    """A maker of pending payments: 500 credits on account, 5.00 USD, unless said otherwise."""

    def make(organization: Organization, credits: int = 500) -> Payment:
        CreditPool.objects.get_or_create(org=organization)
        CreditPool.objects.filter(org=organization).update(account_limit=Decimal("10000.00"))
        event = buy_on_account(organization=organization, parcel=Parcel(credits), origin=ORIGIN)[1]
        return Payment.objects.get(org=organization, event=event)

    return make


@pytest.fixture
def carded(server: StripeServer) -> Callable[..., str]:
    """A maker of customers with a default card: `carded(org, "declined")`; returns the card's id."""

    def make(organization: Organization, behaviour: str = "ok") -> str:
        customer = customer_of(organization)
        return server.account.add_card(customer, behaviour, default=True)

    return make


def customer_of(organization: Organization) -> str:
    """The organization's customer at Stripe, made when there is none."""
    if not PaymentCustomer.objects.filter(org=organization).exists():
        payment_methods.start_setup(organization)
    return PaymentCustomer.objects.get(org=organization).customer_id


def collect(payment: Payment, at: datetime | None = None, **options) -> PaymentAttempt | None:
    """What the job does; the attempt as the database has it then."""

    def work() -> collecting.Outcome | None:
        return collecting.collect(org_id=payment.org_id, payment_id=payment.pk, **options)

    if at is None:
        outcome = work()
    else:
        with simulated(at):
            outcome = work()
    return None if outcome is None else PaymentAttempt.objects.get(pk=outcome.attempt.pk)


def status_of(payment: Payment) -> str:
    return Payment.objects.get(pk=payment.pk).status


def attempts(payment: Payment) -> list[tuple[int, str]]:
    """Number and status of each attempt."""
    rows = PaymentAttempt.objects.filter(payment=payment).order_by("number")
    return [(row.number, row.status) for row in rows]


def days_later(payment: Payment, days: float) -> datetime:
    return payment.created_at + timedelta(days=days)
