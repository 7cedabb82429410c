"""How an organization pays: on account, or by cards at a Stripe of our own."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.conf import settings as django
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import invoicing, payment_methods
from billing.models import Invoice, Payment, PaymentAttempt, PaymentCustomer
from billing.purchase import Parcel, buy_on_account
from credits.models import CreditPool
from tests.console.browsing import address, confirm, do, fields_of, review, signed_in, text_of
from tests.ledger import ORIGIN
from tests.stripe_server import StripeServer, configured

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings, monkeypatch) -> Iterator[StripeServer]:
    """The configured provider; its client tries again without waiting."""
    yield from configured(settings, monkeypatch)


@pytest.fixture
def owed(alpha) -> Invoice:
    """Alpha owes 5.00."""
    CreditPool.objects.filter(org=alpha).update(account_limit=Decimal("1000.00"))
    buy_on_account(organization=alpha, parcel=Parcel(500), origin=ORIGIN)
    invoicing.issue_missing(alpha.pk)
    return Invoice.objects.get()


def card_of(server, organization, behaviour="ok", **card) -> str:
    """A card of the organization's, its default unless said otherwise."""
    payment_methods.start_setup(organization)
    customer = PaymentCustomer.objects.get(org=organization).customer_id
    return server.account.add_card(customer, behaviour, **{"default": True, **card})


def test_on_account_it_says_what_is_owed_and_nothing_of_cards(alpha, alice, owed):
    client = signed_in(alice)
    page = text_of(client.get(address("org_payment_methods", alpha)))
    for words in ("USD 5.00", "1 unpaid invoice", "USD 1,000.00", "How invoices are paid"):
        assert words in page
    assert "Add a card" not in page
    assert "Pay now" not in text_of(client.get(address("org_invoice", alpha, owed.pk)))
    refused = do_without_review(client, address("org_add_card", alpha))
    assert "no payment provider is configured" in text_of(refused)
    unpayable = client.get(address("org_pay_now", alpha, owed.pk))
    assert "not to be paid by card" in text_of(unpayable)


def do_without_review(client, url):
    return client.post(url, {**fields_of(client.get(url)), "confirmed": "1"})


def test_a_card_is_added_on_the_providers_page(alpha, alice, owed, server):
    client = signed_in(alice)
    page = text_of(client.get(address("org_payment_methods", alpha)))
    assert "There is no card yet" in page
    gone = do(client, address("org_add_card", alpha))
    (session,) = server.account.sessions.values()
    # A link and no redirect: the policy holds forms to this origin, and what they lead to as well.
    assert gone.status_code == 200
    assert gone.redirect_chain == []
    assert f'href="{session["url"]}"' in text_of(gone)
    server.account.complete_session(session["id"])
    there = server.account.leads_back(session["id"]).removeprefix(django.PUBLIC_URL)
    assert there.startswith(address("org_card_added", alpha))
    back = text_of(client.get(there, follow=True))
    for words in ("The card is added", "Visa ending in 4242", "Expires 12/2030", "Default"):
        assert words in back


def test_a_link_to_where_people_come_back_charges_no_other_card(alpha, alice, owed, server):
    card_of(server, alpha, default=False)
    client = signed_in(alice)
    for query in ("", "?setup=cs_unknown", "?setup=%00"):
        assert client.get(address("org_card_added", alpha) + query).status_code == 302
    assert not any(card.is_default for card in payment_methods.methods(alpha.pk))
    assert not ProcrastinateJob.objects.filter(task_name="billing.collect_payment").exists()


def test_from_elsewhere_people_come_back_to_the_public_address(
    alpha, alice, owed, server, settings
):
    settings.PUBLIC_URL = "https://billing.example.com"
    client = signed_in(alice)
    do(client, address("org_add_card", alpha))
    (session,) = server.account.sessions.values()
    back = f"https://billing.example.com{address('org_payment_methods', alpha)}"
    assert session["success_url"].startswith(f"{back}added/")
    assert session["cancel_url"] == back
    card_of(server, alpha, "consent")
    do(client, address("org_pay_now", alpha, owed.pk))
    invoice = address("org_invoice", alpha, owed.pk)
    assert PaymentAttempt.objects.get().return_url == f"https://billing.example.com{invoice}"


def test_another_card_becomes_the_default(alpha, alice, owed, server):
    card_of(server, alpha)
    other = card_of(server, alpha, default=False, last4="1881")
    client = signed_in(alice)
    url = address("org_make_default", alpha, other)
    shown = review(client, url)
    assert "It is charged for what is unpaid now: 1 invoice." in text_of(shown)
    confirm(client, url, shown)
    assert [card.id for card in payment_methods.methods(alpha.pk) if card.is_default] == [other]


def test_a_card_is_removed_after_a_review(alpha, alice, server):
    card = card_of(server, alpha)
    client, url = signed_in(alice), address("org_remove_card", alpha, card)
    shown = review(client, url)
    assert "Without a default card" in text_of(shown)
    assert len(payment_methods.methods(alpha.pk)) == 1
    confirm(client, url, shown)
    assert payment_methods.methods(alpha.pk) == []
    again = confirm(client, url, shown)
    assert "There is no card with this id" in text_of(again)


def test_cards_of_others_can_not_be_touched(alpha, globex, alice, charlie, bob, server):
    mine, theirs = card_of(server, alpha), card_of(server, globex)
    client = signed_in(alice)
    for name in ("org_make_default", "org_remove_card"):
        answer = do_without_review(client, address(name, alpha, theirs))
        assert "There is no card with this id" in text_of(answer)
        for person in (bob, charlie):
            assert signed_in(person).get(address(name, alpha, mine)).status_code == 403
    for person in (bob, charlie):
        for name in ("org_payment_methods", "org_add_card", "org_card_added"):
            assert signed_in(person).get(address(name, alpha)).status_code == 403
    assert len(payment_methods.methods(globex.pk)) == 1


def test_an_invoice_is_paid_now_and_once(alpha, alice, owed, server):
    card_of(server, alpha)
    client, url = signed_in(alice), address("org_pay_now", alpha, owed.pk)
    assert "Pay now" in text_of(client.get(address("org_invoice", alpha, owed.pk)))
    shown = review(client, url)
    assert "USD 5.00 is taken from Visa ending in 4242" in text_of(shown)
    assert "The invoice is paid" in text_of(confirm(client, url, shown))
    assert Payment.objects.get().status == "paid"
    assert "paid already" in text_of(confirm(client, url, shown))
    assert PaymentAttempt.objects.count() == 1
    assert server.made("POST", "/v1/payment_intents") == 1


def test_a_declined_card_is_told_with_the_reason(alpha, alice, owed, server):
    card_of(server, alpha, "declined")
    client = signed_in(alice)
    done = text_of(do(client, address("org_pay_now", alpha, owed.pk)))
    assert "The card was not charged" in done
    assert Payment.objects.get().status == "pending"
    reason = PaymentAttempt.objects.get().failure_message
    assert reason
    page = text_of(client.get(address("org_payment_methods", alpha)))
    assert "USD 5.00 could not be taken" in page
    assert "Try another card" in page


def test_a_card_that_wants_consent_leads_to_the_bank(alpha, alice, owed, server):
    card_of(server, alpha, "consent")
    client = signed_in(alice)
    gone = do(client, address("org_pay_now", alpha, owed.pk))
    attempt = PaymentAttempt.objects.get()
    assert attempt.status == "requires_action"
    assert "You go on elsewhere" in text_of(gone)
    assert attempt.return_url.endswith(address("org_invoice", alpha, owed.pk))


def test_without_a_card_it_says_what_would_help(alpha, alice, owed, server):
    page = signed_in(alice).get(address("org_pay_now", alpha, owed.pk))
    assert "Add one under Payment methods first" in text_of(page)


def test_a_provider_that_does_not_answer_leaves_the_page(alpha, alice, owed, server, settings):
    card_of(server, alpha)
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    page = text_of(signed_in(alice).get(address("org_payment_methods", alpha)))
    assert "can&#x27;t be reached" in page
    assert "USD 5.00" in page
