"""Webhooks: only signed ones are stored, each once, and what they say is read from Stripe again."""

import json
import time
from datetime import timedelta

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import inbox, payment_methods
from billing.errors import PaymentProviderUnavailable
from billing.jobs import collect_due, process_webhook, purge
from billing.models import PaymentAttempt, WebhookEvent
from orgbilling.lib.clock import simulated
from orgbilling.lib.ids import uuid7
from tests.billing.providers.conftest import (
    attempts,
    collect,
    customer_of,
    days_later,
    status_of,
)

pytestmark = pytest.mark.django_db
URL = "/webhooks/stripe"


def send(body, signature):
    return Client().post(
        URL,
        body,
        content_type="application/json; charset=utf-8",
        headers={"stripe-signature": signature, "accept": "*/*; q=0.5, application/xml"},
    )


def deliver(server, event):
    """By HTTP, then the job; the row as it is then."""
    answer = send(*server.signed(event))
    assert answer.status_code == 200, answer.content
    row = WebhookEvent.objects.get(event_id=event["id"])
    process_webhook(event=str(row.pk))
    row.refresh_from_db()
    return row


def lost(server, payment):
    """A charge whose answer nobody has heard yet; its PaymentIntent."""
    server.fail("/v1/payment_intents", "lost")
    with pytest.raises(PaymentProviderUnavailable):
        collect(payment)
    return list(server.account.intents.values())[-1]


def after(row, days):
    return row.received_at + timedelta(days=days)


def last_event(server, event_type):
    return next(e for e in reversed(server.account.events) if e["type"] == event_type)


def test_a_signed_event_is_stored_and_its_job_asked_for(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    lost(server, payment)
    event = last_event(server, "payment_intent.succeeded")
    body, signature = server.signed(event)
    answer = send(body, signature)
    assert (answer.status_code, answer.json()) == (200, {"received": True, "new": True})
    row = WebhookEvent.objects.get()
    assert (row.provider, row.event_id, row.event_type, bytes(row.body), row.status) == (
        "stripe", event["id"], "payment_intent.succeeded", body, "received",
    )  # fmt: skip
    job = ProcrastinateJob.objects.get(task_name="billing.process_webhook")
    assert job.args == {"event": str(row.pk)}
    process_webhook(**job.args)
    row.refresh_from_db()
    assert (row.status, row.attempts, row.error) == ("processed", 1, "")
    assert status_of(payment) == "paid"


def test_delivered_twice_it_is_one_row_and_one_effect(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    lost(server, payment)
    event = last_event(server, "payment_intent.succeeded")
    deliver(server, event)
    again = send(*server.signed(event))
    assert (again.status_code, again.json()["new"]) == (200, False)
    row = WebhookEvent.objects.get()
    process_webhook(event=str(row.pk))
    assert attempts(payment) == [(1, "succeeded")]
    assert not PaymentAttempt.objects.get().duplicate
    assert ProcrastinateJob.objects.filter(task_name="billing.process_webhook").count() == 1


@pytest.mark.parametrize(
    ("secret", "age", "change"),
    [
        ("whsec_other", 0, b""),
        ("whsec_local", 301, b""),
        ("whsec_local", 0, b" "),
        ("whsec_local", 0, b"\xff"),
    ],
)
def test_what_stripe_did_not_sign_is_refused_and_not_stored(server, secret, age, change):
    event = server.account.tell("payment_intent.succeeded", {"id": "pi_1"})
    body, signature = server.signed(event, secret, at=time.time() - age)
    answer = send(body + change, signature)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_signature"
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("signature", ["", "t=,v1=", "t=1", "v1=abc", "nonsense"])
def test_a_signature_that_is_none_is_refused(server, signature):
    assert send(b"{}", signature).json()["code"] == "invalid_signature"


def test_a_body_that_is_too_large_is_refused(server):
    answer = send(b" " * (256 * 1024 + 1), "t=1,v1=a")
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "event",
    [
        [],
        {},
        {"object": "event", "id": "evt_1", "type": "x", "data": None},
        {"object": "v2.core.event", "id": "e", "type": "t", "data": {"object": {"id": "x"}}},
        {"object": "event", "id": "e" * 256, "type": "t", "data": {"object": {"id": "x"}}},
        {"object": "event", "id": "e\0", "type": "t", "data": {"object": {"id": "x"}}},
    ],
)
def test_signed_nonsense_is_refused_and_not_stored(server, event):
    answer = send(*server.signed(event))
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert not WebhookEvent.objects.exists()


def test_other_methods_and_services_without_stripe(server, settings):
    assert Client().get(URL).status_code == 405
    body, signature = server.signed(server.account.tell("x", {"id": "y"}))
    settings.PAYMENT_PROVIDER = "on_account"
    assert send(body, signature).status_code == 404


def test_events_out_of_order_are_harmless(server, alpha, owing, carded):
    card = carded(alpha, "declined")
    payment = owing(alpha)
    collect(payment)
    server.account.behaviours[card] = "ok"
    collect(payment, days_later(payment, 1))
    failed = last_event(server, "payment_intent.payment_failed")
    succeeded = last_event(server, "payment_intent.succeeded")
    for event in (succeeded, failed):
        assert deliver(server, event).status == "processed"
    assert attempts(payment) == [(1, "failed"), (2, "succeeded")]
    assert status_of(payment) == "paid"


def test_an_old_refusal_told_after_the_success_changes_nothing(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    reference = collect(payment).reference
    stale = server.account.tell("payment_intent.payment_failed", {"id": reference})
    assert deliver(server, stale).status == "processed"
    assert attempts(payment) == [(1, "succeeded")]


def test_the_payload_is_never_believed(server, alpha, owing, carded):
    carded(alpha, "declined")
    payment = owing(alpha)
    reference = collect(payment).reference
    forged = {**server.account.intents[reference], "status": "succeeded", "amount_received": 500}
    deliver(server, server.account.tell("payment_intent.succeeded", forged))
    assert status_of(payment) == "pending"
    assert attempts(payment) == [(1, "failed")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount_received": 499}, "amount is 499, not 500"),
        ({"currency": "eur"}, "currency is EUR, not USD"),
        ({"customer": "cus_other"}, "customer is cus_other"),
    ],
)
def test_a_charge_that_is_not_the_payment_s_settles_nothing(
    server, alpha, owing, carded, change, said
):
    carded(alpha)
    payment = owing(alpha)
    lost(server, payment).update(change)
    row = deliver(server, last_event(server, "payment_intent.succeeded"))
    assert (row.status, said in row.error) == ("failed", True)
    assert status_of(payment) == "pending"


def test_a_charge_that_names_a_foreign_payment_settles_nothing(
    server, alpha, globex, owing, carded
):
    carded(alpha)
    carded(globex)
    mine, foreign = owing(alpha), owing(globex)
    intent = lost(server, mine)
    lost(server, foreign)
    theirs = PaymentAttempt.objects.get(org=globex)
    event = server.account.tell("payment_intent.succeeded", intent)
    intent["metadata"] = {
        "org_id": str(globex.pk),
        "payment_id": str(foreign.pk),
        "attempt_id": str(theirs.pk),
    }
    assert deliver(server, event).status == "failed"
    intent["metadata"]["org_id"] = str(alpha.pk)
    second = server.account.tell("payment_intent.succeeded", intent)
    row = deliver(server, second)
    assert (row.status, "isn't here" in row.error) == ("failed", True)
    assert [status_of(mine), status_of(foreign)] == ["pending", "pending"]


@pytest.mark.parametrize(
    "metadata", [{"attempt_id": "nonsense"}, {"attempt_id": str(uuid7()), "org_id": str(uuid7())}]
)
def test_a_charge_of_an_attempt_that_isn_t_here_is_an_error(server, alpha, owing, carded, metadata):
    carded(alpha)
    intent = lost(server, owing(alpha))
    intent["metadata"] = metadata
    row = deliver(server, server.account.tell("payment_intent.succeeded", intent))
    assert (row.status, "isn't here" in row.error) == ("failed", True)


def test_charges_and_events_of_others_are_ignored(server, alpha, owing, carded):
    carded(alpha)
    intent = lost(server, owing(alpha))
    intent["metadata"] = {}
    told = [
        server.account.tell("payment_intent.succeeded", intent),
        server.account.tell("invoice.paid", {"id": "in_1"}),
        server.account.tell("balance.available", {"object": "balance"}),
    ]
    assert [deliver(server, event).status for event in told] == ["ignored"] * 3
    gone = server.account.tell("payment_intent.succeeded", {"id": "pi_gone"})
    assert deliver(server, gone).status == "failed"


@pytest.mark.parametrize("event_type", ["setup_intent.succeeded", "checkout.session.completed"])
def test_the_first_card_becomes_the_default_and_pays(server, alpha, owing, event_type):
    payment = owing(alpha)
    payment_methods.start_hosted_setup(alpha, success_url="https://b/", cancel_url="https://b/")
    (session,) = server.account.sessions
    card = server.account.complete_session(session)
    assert deliver(server, last_event(server, event_type)).status == "processed"
    (method,) = payment_methods.methods(alpha.pk)
    assert (method.id, method.is_default) == (card, True)
    assert collect(payment, now=True).status == "succeeded"
    second = server.account.complete_setup(
        server.account.create_setup({"customer": customer_of(alpha)})["id"]
    )
    deliver(server, last_event(server, "setup_intent.succeeded"))
    assert [one.id for one in payment_methods.methods(alpha.pk)] == [card, second]


def test_setups_of_others_are_ignored(server, alpha):
    customer_of(alpha)
    other = server.account.create_customer({})["id"]
    server.account.complete_setup(server.account.create_setup({"customer": other})["id"])
    row = deliver(server, last_event(server, "setup_intent.succeeded"))
    assert (row.status, row.error) == ("ignored", "It is no customer of this service.")
    unfinished = server.account.create_setup({"customer": customer_of(alpha)})
    event = server.account.tell("setup_intent.succeeded", unfinished)
    assert deliver(server, event).status == "ignored"


def test_a_refund_of_a_charge_whose_answer_was_lost_is_noted_too(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    server.account.refund(lost(server, payment)["id"], 120)
    row = deliver(server, last_event(server, "charge.refunded"))
    assert (row.status, row.error) == ("processed", "")
    assert status_of(payment) == "paid"
    assert str(PaymentAttempt.objects.get().refunded_amount) == "1.20"
    late = deliver(server, last_event(server, "payment_intent.succeeded"))
    assert late.status == "processed"
    assert str(PaymentAttempt.objects.get().refunded_amount) == "1.20"


@pytest.mark.parametrize("words", ["t=1,v1=é", "t={now},v1=é", "t=é", "é", "t={many},v1=a", "t"])
def test_a_signature_of_any_letters_is_refused_and_breaks_nothing(server, words):
    signature = words.format(now=int(time.time()), many="9" * 5_000)
    answer = Client().generic(
        "POST", URL, b"{}", "application/json", HTTP_STRIPE_SIGNATURE=signature
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_signature")
    assert not WebhookEvent.objects.exists()


def test_refunds_are_noted(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    reference = collect(payment).reference
    server.account.refund(reference, 120)
    first = last_event(server, "charge.refunded")
    server.account.refund(reference, 380)
    for event in (last_event(server, "charge.refunded"), first):
        assert deliver(server, event).status == "processed"
    assert str(PaymentAttempt.objects.get().refunded_amount) == "5.00"
    assert status_of(payment) == "paid"


def test_what_could_not_be_processed_keeps_its_error_and_is_tried_again(
    server, alpha, owing, carded
):
    carded(alpha)
    payment = owing(alpha)
    lost(server, payment)
    event = last_event(server, "payment_intent.succeeded")
    send(*server.signed(event))
    row = WebhookEvent.objects.get()
    server.fail("/v1/payment_intents", "500")
    with pytest.raises(PaymentProviderUnavailable):
        process_webhook(event=str(row.pk))
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("received", 1)
    assert "Something broke" in row.error
    with simulated(days_later(payment, 1)):
        collect_due(0)
    row.refresh_from_db()
    assert (row.status, row.attempts, row.error) == ("processed", 2, "")
    assert status_of(payment) == "paid"


def test_it_is_given_up_after_many_vain_attempts(server, monkeypatch):
    send(*server.signed(server.account.tell("payment_intent.succeeded", {"id": "pi_1"})))
    row = WebhookEvent.objects.get()
    monkeypatch.setattr(inbox, "ATTEMPTS_MAX", 2)
    server.fail("/v1/payment_intents", "500", times=6)
    with simulated(after(row, 1)):
        inbox.process_waiting()
        inbox.process_waiting()
        inbox.process_waiting()
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("failed", 2)


def test_old_events_are_forgotten_failed_ones_are_not(server):
    for event_type in ("invoice.paid", "payment_intent.succeeded"):
        deliver(server, server.account.tell(event_type, {"id": "thing_1"}))
    waiting = server.account.tell("invoice.paid", {"id": "in_2"})
    send(*server.signed(waiting))
    (done,) = WebhookEvent.objects.filter(status="ignored")
    with simulated(after(done, 89)):
        purge(0)
    assert WebhookEvent.objects.count() == 3
    with simulated(after(done, 91)):
        purge(0)
    left = WebhookEvent.objects.values_list("status", flat=True).order_by("status")
    assert list(left) == ["failed", "received"]
    assert json.loads(bytes(WebhookEvent.objects.get(status="received").body)) == waiting
