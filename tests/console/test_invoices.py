"""Invoices in the console: their list, page and file; settling; and whom they name."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from billing import invoicing
from billing.models import BillingDetails, BillingEvent, Invoice, Payment
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from credits.models import CreditPool
from orgbilling.lib import clock
from orgbilling.lib.ids import uuid7
from tests.console.browsing import address, confirm, do, fields_of, review, signed_in, text_of
from tests.ledger import ORIGIN

pytestmark = pytest.mark.django_db
OF_ONE = ("org_invoice", "org_invoice_pdf", "org_mark_paid", "org_void_invoice", "org_pay_now")


@pytest.fixture
def bought(alpha):
    """A maker of unpaid invoices of Alpha's, 5.00 each."""

    def make(organization=alpha, days=0) -> Invoice:
        CreditPool.objects.filter(org=organization).update(account_limit=Decimal("1000.00"))
        with clock.simulated(clock.database_now() - timedelta(days=days)):
            event = buy_on_account(organization=organization, parcel=Parcel(500), origin=ORIGIN)[1]
        invoicing.issue_missing(organization.pk)
        return Invoice.objects.get(payment__event=event)

    return make


def test_billing_roles_see_them_and_system_admins_act(alpha, alice, system_admin, bought):
    invoice = bought()
    for person, may_settle in ((alice, False), (system_admin, True)):
        client = signed_in(person)
        listed = text_of(client.get(address("org_invoices", alpha)))
        for words in ("TEST-ORG-ALPHA-0001", "USD 5.00", "To be paid", "Credits"):
            assert words in listed
        page = text_of(client.get(address("org_invoice", alpha, invoice.pk)))
        for words in ("Invoice TEST-ORG-ALPHA-0001", "USD 0.01", "Bill to", "Test Org Alpha"):
            assert words in page
        assert ("Mark paid" in page) is may_settle
        assert "Pay now" not in page


def test_what_is_missing_is_issued_before_listing(alpha, alice):
    add_at_named_price(org_id=alpha.pk, parcel=Parcel(100, Decimal("7.00")), origin=ORIGIN)
    page = text_of(signed_in(alice).get(address("org_invoices", alpha)))
    assert "USD 7.00" in page
    assert "Paid" in page


def test_no_more_is_issued_before_listing_than_a_page_may_wait_for(alpha, alice, monkeypatch):
    monkeypatch.setattr(invoicing, "AT_ONCE", 2)
    for _ in range(5):
        add_at_named_price(org_id=alpha.pk, parcel=Parcel(100, Decimal("7.00")), origin=ORIGIN)
    client = signed_in(alice)
    for issued in (2, 4, 5, 5):
        client.get(address("org_invoices", alpha))
        numbers = list(Invoice.objects.order_by("number").values_list("number", flat=True))
        assert numbers == list(range(1, issued + 1))


def test_the_pdf_says_the_same(alpha, alice, bought):
    invoice = bought()
    answer = signed_in(alice).get(address("org_invoice_pdf", alpha, invoice.pk))
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="invoice-TEST-ORG-ALPHA-0001.pdf"'
    text = PdfReader(BytesIO(answer.content)).pages[0].extract_text()
    assert "TEST-ORG-ALPHA-0001" in text
    assert "USD 5.00" in text


def test_members_strangers_and_other_organizations_are_refused(alpha, bob, charlie, globex, bought):
    invoice = bought()
    for person in (bob, charlie):
        client = signed_in(person)
        assert client.get(address("org_invoices", alpha)).status_code == 403
        assert client.get(address("org_billing_details", alpha)).status_code == 403
        for name in OF_ONE:
            assert client.get(address(name, alpha, invoice.pk)).status_code == 403
            answer = client.post(address(name, alpha, invoice.pk), {"confirmed": "1"})
            assert answer.status_code == 403
    client = signed_in(charlie)
    for name in ("org_invoice", "org_invoice_pdf", "org_pay_now"):
        assert client.get(address(name, globex, invoice.pk)).status_code == 404
    assert client.get(address("org_invoice", globex, uuid7())).status_code == 404
    assert Payment.objects.get().status == "pending"


@pytest.mark.parametrize("name", ["org_mark_paid", "org_void_invoice"])
def test_owners_do_not_settle(alpha, alice, bought, name):
    url = address(name, alpha, bought().pk)
    client = signed_in(alice)
    assert client.get(url).status_code == 403
    assert client.post(url, {"confirmed": "1"}).status_code == 403


@pytest.mark.parametrize(
    ("name", "status", "event"),
    [
        ("org_mark_paid", "paid", "payment_received"),
        ("org_void_invoice", "void", "payment_voided"),
    ],
)
def test_a_system_admin_settles_once(alpha, system_admin, bought, name, status, event):
    invoice = bought()
    client, url = signed_in(system_admin), address(name, alpha, invoice.pk)
    shown = review(client, url)
    assert "TEST-ORG-ALPHA-0001 of Test Org Alpha over USD 5.00" in text_of(shown)
    assert Payment.objects.get().status == "pending"
    for _ in range(2):
        done = text_of(confirm(client, url, shown))
        assert f"is {status}." in done
    assert Payment.objects.get().status == status
    told = BillingEvent.objects.get(event_type=event)
    assert told.actor == f"user:{system_admin.pk}"
    assert "already" in text_of(client.get(url))


def test_only_the_status_that_is_asked_for_is_listed(alpha, alice, system_admin, bought):
    first, _second = bought(), bought()
    do(signed_in(system_admin), address("org_mark_paid", alpha, first.pk))
    client, url = signed_in(alice), address("org_invoices", alpha)
    for status, shown, hidden in (("paid", "0001", "0002"), ("pending", "0002", "0001")):
        page = text_of(client.get(url, {"status": status}))
        assert f"TEST-ORG-ALPHA-{shown}" in page
        assert f"TEST-ORG-ALPHA-{hidden}" not in page
    assert "There is no such invoice" in text_of(client.get(url, {"status": "void"}))
    assert "TEST-ORG-ALPHA-0001" in text_of(client.get(url, {"status": "nonsense"}))


def test_an_invoice_after_its_terms_is_overdue(alpha, alice, bought, settings):
    settings.PAYMENT_TERMS_DAYS = 14
    bought(days=20)
    assert "Overdue" in text_of(signed_in(alice).get(address("org_invoices", alpha)))


def test_without_any_it_says_where_they_come_from(alpha, alice):
    page = text_of(signed_in(alice).get(address("org_invoices", alpha)))
    assert "No invoice has been issued yet" in page


def test_its_queries_are_bounded(alpha, alice, bought):
    client, url = signed_in(alice), address("org_invoices", alpha)
    counts = []
    for _ in range(2):
        for _ in range(5):
            bought()
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            client.get(url)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 15


def test_billing_details_are_printed_on_the_next_invoice(alpha, alice, bought):
    former = bought()
    client, url = signed_in(alice), address("org_billing_details", alpha)
    sent = {
        **fields_of(client.get(url)),
        "legal_name": "Alpha GmbH",
        "email": "invoices@alpha.example",
        "address": "Hauptstraße 1\r\n10115 Berlin",
        "country": "Germany",
        "tax_id": "DE123456789",
    }
    answer = client.post(url, sent, follow=True)
    assert "The billing details are saved" in text_of(answer)
    details = BillingDetails.objects.get(org=alpha)
    assert details.address == "Hauptstraße 1\n10115 Berlin"
    assert details.actor == f"user:{alice.pk}"
    assert "Alpha GmbH" in text_of(client.get(address("org_invoice", alpha, bought().pk)))
    assert "Alpha GmbH" not in text_of(client.get(address("org_invoice", alpha, former.pk)))


def test_billing_details_that_can_not_be_printed_are_refused(alpha, alice):
    client, url = signed_in(alice), address("org_billing_details", alpha)
    empty = fields_of(client.get(url))
    for wrong in ({"email": "nobody"}, {"legal_name": "x" * 201}, {"tax_id": "a\x07b"}):
        answer = client.post(url, {**empty, **wrong})
        assert answer.status_code == 200
        assert answer.context["form"].errors.keys() == wrong.keys()
    assert not BillingDetails.objects.exists()


def test_what_was_confirmed_for_one_invoice_answers_for_no_other(alpha, system_admin, bought):
    first, second = bought(), bought()
    client, url = signed_in(system_admin), address("org_mark_paid", alpha, first.pk)
    shown = review(client, url)
    confirm(client, url, shown)
    page = text_of(confirm(client, address("org_mark_paid", alpha, second.pk), shown))
    assert "TEST-ORG-ALPHA-0001 is paid" not in page
    assert "This form was sent before with other values" in page
    assert Payment.objects.get(pk=second.payment_id).status == "pending"


def test_a_name_with_markup_is_no_markup_in_a_hint(alpha, alice):
    type(alpha).objects.filter(pk=alpha.pk).update(display_name="<b id=mark>Alpha</b>")
    page = text_of(signed_in(alice).get(address("org_billing_details", alpha)))
    assert "Without one your invoices name &lt;b id=mark&gt;Alpha&lt;/b&gt;." in page
    assert "<b id=mark>" not in page
