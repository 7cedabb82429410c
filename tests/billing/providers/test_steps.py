"""With real commits: what is committed before Stripe is asked, and that no transaction waits for it."""

import threading

import pytest
import stripe
from django.db import connection, connections

from billing import collecting, inbox, payment_methods, providers
from billing.jobs import process_webhook
from billing.models import PaymentAttempt, WebhookEvent
from tests.billing.providers.conftest import attempts, collect, status_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def watched(server, monkeypatch):
    """Whether a transaction was open, for each call to Stripe."""
    seen: list[bool] = []
    request = stripe.RequestsClient.request

    def watch(*arguments, **options):
        seen.append(connection.in_atomic_block)
        return request(*arguments, **options)

    monkeypatch.setattr(stripe.RequestsClient, "request", watch)
    return seen


def test_no_call_runs_inside_a_transaction(server, watched, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    assert collect(payment).status == "succeeded"
    payment_methods.start_hosted_setup(alpha, success_url="https://b/", cancel_url="https://b/")
    payment_methods.take_in(alpha.pk, next(iter(server.account.sessions)))
    for event in server.account.events:
        inbox.receive(*server.signed(event))
    for row in WebhookEvent.objects.all():
        process_webhook(event=str(row.pk))
    collecting.collect_due()
    assert len(watched) > 8
    assert not any(watched)


def test_the_attempt_is_there_for_everybody_before_stripe_is_asked(
    server, alpha, owing, carded, monkeypatch
):
    carded(alpha)
    payment = owing(alpha)
    provider = providers.current()
    charge = provider.charge
    found = []

    def look():
        found.extend(attempts(payment))
        connections.close_all()

    def look_from_elsewhere(asked):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        return charge(asked)

    monkeypatch.setattr(provider, "charge", look_from_elsewhere)
    collect(payment)
    assert found == [(1, "started")]


def test_two_workers_at_once_charge_once(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    start = threading.Barrier(4)
    failures = []

    def work():
        try:
            start.wait()
            collecting.collect(org_id=alpha.pk, payment_id=payment.pk, now=True)
        except Exception as failure:  # noqa: BLE001 - shown by the assertion below
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(server.account.intents) == 1
    assert attempts(payment) == [(1, "succeeded")]
    assert not PaymentAttempt.objects.get().duplicate
    assert status_of(payment) == "paid"
