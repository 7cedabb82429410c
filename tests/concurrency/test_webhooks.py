"""Webhooks when several are at it: one delivery is taken once, a paid invoice is told of once, nobody waits."""

import pytest
from django.db import transaction

from billing import invoicing, settling
from billing.models import Payment
from billing.purchase import Parcel, buy_on_account
from organizations.events import emit
from organizations.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from orgbilling.lib.clock import database_now
from tests.concurrency.threads import Elsewhere, together
from tests.ledger import ORIGIN, fund, let_spend
from tests.organizations.webhooks.conftest import DATA

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 6


def listen(org, *events):
    return WebhookEndpoint.objects.open(
        org, url="https://hooks.example.com/", events=events or ["*"], by=None
    )[0]


def test_a_delivery_is_taken_by_one_of_many(alpha):
    listen(alpha)
    emit(alpha.pk, "member.added", DATA)
    delivery = WebhookDelivery.objects.get()
    moment = database_now()

    taken = together([lambda: WebhookDelivery.objects.claim(alpha.pk, delivery.pk, moment)] * 8)

    assert sum(one is not None for one in taken) == 1
    delivery.refresh_from_db()
    assert (delivery.attempts, delivery.step) == (1, 1)


def test_an_invoice_is_told_as_paid_once_whoever_is_first(alpha):
    fund(alpha, 1)
    let_spend(alpha)
    listen(alpha, "invoice.issued", "invoice.paid")
    for _ in range(ROUNDS):
        buy_on_account(organization=alpha, parcel=Parcel(100), origin=ORIGIN)
        payment = Payment.objects.pending().get(org=alpha)
        together(
            [
                lambda: invoicing.issue_missing(alpha.pk),
                lambda pk=payment.pk: settling.settle(
                    org_id=alpha.pk, payment_id=pk, origin=ORIGIN
                ),
            ]
        )
        invoicing.issue_missing(alpha.pk)
    told = list(WebhookEvent.objects.order_by().values_list("type", flat=True))
    assert sorted(told) == ["invoice.issued"] * ROUNDS + ["invoice.paid"] * ROUNDS


def test_whoever_tells_does_not_wait_for_whoever_changes_the_endpoint(alpha):
    """A charge must not wait for somebody who edits, disables or settles at this moment."""
    endpoint = listen(alpha)
    with transaction.atomic():
        WebhookEndpoint.objects.lock(alpha.pk, endpoint.pk)
        telling = Elsewhere(lambda: fund(alpha, 1))
        assert not telling.is_stuck()
    telling.result()
    assert WebhookEvent.objects.count() == 1


def test_replaying_and_disabling_do_not_meet_in_a_deadlock(alpha):
    endpoint = listen(alpha)
    for _ in range(ROUNDS):
        emit(alpha.pk, "member.added", DATA)
    ids = list(WebhookDelivery.objects.values_list("pk", flat=True))

    def disable_and_enable():
        WebhookEndpoint.objects.disable(alpha.pk, endpoint.pk, by=None)
        WebhookEndpoint.objects.enable(alpha.pk, endpoint.pk, by=None)

    def replay():
        for pk in ids:
            WebhookDelivery.objects.replay(alpha.pk, pk, by=None)

    outcomes = together([disable_and_enable, replay, disable_and_enable, replay])

    assert not [one for one in outcomes if "deadlock" in str(one)]
