"""The server of the tests answers as the official client's own definitions say that Stripe does."""

import typing

import pytest
import stripe

from tests.stripe_server import SECRET_KEY, StripeServer
from tests.stripe_server.shapes import fields, shaped


@pytest.fixture
def client(server: StripeServer) -> stripe.StripeClient:
    return stripe.StripeClient(
        SECRET_KEY, base_addresses={"api": server.url}, max_network_retries=0
    )


@pytest.fixture
def answers(server, client):
    """One answer of every kind that we use, as the client parses it."""
    v1 = client.v1
    customer = v1.customers.create({"name": "A"})
    card = server.account.add_card(customer.id, default=True)
    declined = server.account.add_card(customer.id, "declined")
    consent = server.account.add_card(customer.id, "consent")
    charge = {"amount": 500, "currency": "usd", "customer": customer.id, "confirm": True}
    paid = v1.payment_intents.create({**charge, "payment_method": card})
    waits = v1.payment_intents.create(
        {**charge, "payment_method": consent, "return_url": "https://b.example/"}
    )
    with pytest.raises(stripe.CardError) as refused:
        v1.payment_intents.create({**charge, "payment_method": declined, "off_session": True})
    session = v1.checkout.sessions.create(
        {
            "mode": "setup",
            "customer": customer.id,
            "success_url": "https://b.example/",
            "cancel_url": "https://b.example/",
        }
    )
    server.account.complete_session(session.id)
    return [
        customer,
        v1.customers.retrieve(customer.id),
        *v1.customers.payment_methods.list(customer.id).data,
        v1.customers.payment_methods.retrieve(customer.id, card),
        paid,
        waits,
        refused.value.error,
        refused.value.error.payment_intent,
        *v1.payment_intents.list({"customer": customer.id, "created": {"gte": 0}}).data,
        v1.payment_intents.cancel(waits.id),
        v1.charges.retrieve(paid.latest_charge),
        session,
        v1.checkout.sessions.retrieve(session.id),
        v1.setup_intents.retrieve(session.setup_intent),
        v1.payment_methods.detach(card),
        *(
            stripe.Webhook.construct_event_without_verification(server.signed(event)[0])
            for event in server.account.events
        ),
    ]


def nested(thing: stripe.StripeObject) -> typing.Iterator[stripe.StripeObject]:
    """An object and the objects in it that the client has classes for."""
    yield thing
    for name in thing.to_dict(recursive=False):
        value = getattr(thing, name)
        if isinstance(value, stripe.StripeObject) and name != "metadata":
            yield from nested(value)


def test_every_answer_has_what_the_client_says_it_has(answers):
    kinds = set()
    for answer in answers:
        for thing in nested(answer):
            kind = type(thing)
            if kind is stripe.StripeObject or kind is stripe.Event.Data:
                continue
            kinds.add(kind.__qualname__)
            known, there = fields(kind), thing.to_dict(recursive=False)
            assert set(there) <= set(known), kind
            needed = {name for name, nullable in known.items() if not nullable}
            if kind is not stripe.ErrorObject:
                assert {name for name in needed if there.get(name) is None} == set(), kind
    assert kinds >= {
        "Charge", "Customer", "Customer.InvoiceSettings", "ErrorObject", "Event", "PaymentIntent",
        "PaymentIntent.LastPaymentError", "PaymentIntent.NextAction",
        "PaymentIntent.NextAction.RedirectToUrl", "PaymentMethod", "PaymentMethod.Card",
        "Session", "SetupIntent",
    }  # fmt: skip


def test_what_may_not_be_null_has_to_be_given():
    with pytest.raises(AssertionError, match=r"PaymentMethod\.Card needs"):
        shaped(stripe.PaymentMethod.Card, brand="visa")
    with pytest.raises(AssertionError, match="has no"):
        shaped(stripe.PaymentMethod.Card, colour="red")


def test_parameters_that_the_client_doesn_t_know_are_refused(client):
    # Stripe took these until its version of 2026-09-30.
    with pytest.raises(stripe.InvalidRequestError, match="payment_method_types"):
        client.v1.setup_intents.create({"payment_method_types": ["card"]})
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: amount"):
        client.v1.payment_intents.create({"currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.v1.refunds.create({"charge": "ch_1"})


def test_a_key_that_is_used_again_answers_the_same(client, server):
    first, second = (
        client.v1.customers.create({"name": "A"}, {"idempotency_key": "k"}) for _ in range(2)
    )
    assert first.id == second.id
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "B"}, {"idempotency_key": "k"})
    assert len(server.account.customers) == 1


def test_refusals_are_answered_again_too(client, server):
    customer = client.v1.customers.create({})
    card = server.account.add_card(customer.id, "declined")
    charge = {
        "amount": 500,
        "currency": "usd",
        "customer": customer.id,
        "payment_method": card,
        "confirm": True,
    }
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refused:
            client.v1.payment_intents.create(charge, {"idempotency_key": "k"})
        assert refused.value.code == "card_declined"
        assert refused.value.error.decline_code == "insufficient_funds"
    assert len(server.account.intents) == 1


def test_what_it_signs_the_client_accepts(server):
    body, signature = server.signed(server.account.tell("x.y", {"id": "a"}))
    event = stripe.Webhook.construct_event(body, signature, "whsec_local")
    assert event.type == "x.y"


def test_a_wrong_key_and_pages(server, client):
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("sk_x", base_addresses={"api": server.url}).v1.customers.create({})
    customer = client.v1.customers.create({})
    for _ in range(5):
        server.account.add_card(customer.id)
    pages = client.v1.customers.payment_methods.list(customer.id, {"limit": 2})
    assert len(list(pages.auto_paging_iter())) == 5
