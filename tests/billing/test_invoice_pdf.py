"""The PDF of an invoice is read back: what it says, in which letters, and that it is the same each time."""

import io
from datetime import timedelta

import pytest
from pypdf import PdfReader

from billing import invoicing, settling
from billing.invoices import wording
from billing.invoices.pdf import render_pdf
from billing.invoices.text import SQUARE, printable
from billing.models import BillingDetails, Invoice
from billing.purchase import Parcel, buy_on_account
from orgbilling.lib.clock import simulated
from tests.billing.clockwork import day
from tests.billing.conftest import ORIGIN

pytestmark = pytest.mark.django_db

START = day("2026-11-01")


@pytest.fixture
def issued(alpha):
    """A maker of an invoice of 1,234,500 credits for USD 12,345.00, after details were changed."""

    def make(**details):
        BillingDetails.objects.change(org_id=alpha.pk, actor="system", **details)
        with simulated(START):
            buy_on_account(
                organization=alpha, parcel=Parcel(5_000, reference="PO-99"), origin=ORIGIN
            )
        return invoicing.listed(alpha.pk)[0]

    return make


def read(invoice):
    return PdfReader(io.BytesIO(render_pdf(invoice)))


def text(reader):
    return "\n".join(page.extract_text() for page in reader.pages)


def squeezed(words):
    """Without the spaces that only the layout decides about."""
    return "".join(words.split())


def test_it_says_what_the_document_says(issued):
    reader = read(issued(legal_name="Alpha GmbH", address="Street 1\nBerlin", tax_id="DE 7"))
    said = text(reader)
    for expected in (
        "TEST-ORG-ALPHA-0001",
        "1 November 2026",
        "Due by 15 November 2026",
        "Org billing",
        "Example City",
        "Alpha GmbH",
        "Street 1",
        "Berlin",
        "Tax id: DE 7",
        "PO-99",
        "5,000",
        "Amount, USD",
        "0.01",
        "USD 50.00",
        "Page 1 of 1",
    ):
        assert expected in said
    assert len(reader.pages) == 1
    width, height = (float(edge) * 25.4 / 72 for edge in reader.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (210, 297)


def test_it_has_a_title_a_language_and_the_date_of_issue(issued):
    reader = read(issued())
    assert reader.metadata.title == "Invoice TEST-ORG-ALPHA-0001"
    assert reader.metadata.creation_date == START
    assert reader.trailer["/Root"]["/Lang"] == "en"


@pytest.mark.parametrize("name", ["Общество «Ромашка»", "Ελληνική Εταιρεία", "Łódź Ünïcode Ñandú"])
def test_names_are_printed_in_their_letters(issued, name):
    assert squeezed(name) in squeezed(text(read(issued(legal_name=name))))


@pytest.mark.parametrize("name", ["有限公司", "株式会社テスト", "👩‍👩‍👧 family", "नमस्ते"])
def test_letters_that_the_font_lacks_are_seen_to_be_missing(issued, name):
    said = squeezed(text(read(issued(legal_name=f"Begin {name} End"))))
    assert "Begin" in said
    assert "End" in said
    assert squeezed(printable(name)) in said


@pytest.mark.parametrize("name", ["שלום", "شركة", "\u202eAlpha", "\u200b", "\U0010ffff"])
def test_no_letter_stops_it(issued, name):
    assert "TEST-ORG-ALPHA-0001" in text(read(issued(legal_name=name)))


def test_what_can_be_printed():
    assert printable("Ж, Ω and é\nnext") == "Ж, Ω and é\nnext"
    assert printable("有") == SQUARE
    assert printable("bell\x07 tab\tend\r\n") == "bell tab end\n"
    # An accent that stands by itself is joined with its letter.
    assert printable("e\N{COMBINING ACUTE ACCENT}") == "é"


def test_texts_of_any_length_wrap_over_pages(issued):
    invoice = issued(legal_name="x" * 200, address="y\n" * 249)
    line = {
        "description": "z" * 3_000,
        "detail": "word " * 500,
        "quantity": 10**15,
        "unit_amount": None,
        "amount": "99999999999999.99",
    }
    invoice.document = {**invoice.document, "lines": [line] * 3, "note": "n" * 5_000}
    reader = read(invoice)
    said = text(reader)
    assert len(reader.pages) > 4
    for number, page in enumerate(reader.pages, start=1):
        assert f"Page {number} of {len(reader.pages)}" in page.extract_text()
    assert said.count("x") >= 200
    assert said.count("y") >= 249
    assert said.count("z") == 9_000
    assert said.count("99,999,999,999,999.99") == 3
    assert said.count("n" * 40) > 50


def test_the_same_invoice_is_the_same_file(issued):
    invoice = issued(legal_name="Общество")
    again = Invoice.objects.find(org_id=invoice.org_id, invoice_id=invoice.pk)
    with simulated(START + timedelta(days=99)):
        assert render_pdf(again) == render_pdf(invoice)


@pytest.mark.parametrize(
    ("settled", "said"),
    [(settling.settle, "Paid on 3 November 2026"), (settling.void, "Void: nothing is to be paid")],
)
def test_it_says_what_has_become_of_the_payment(issued, settled, said):
    invoice = issued()
    with simulated(day("2026-11-03")):
        settled(org_id=invoice.org_id, payment_id=invoice.payment_id, origin=ORIGIN)
    found = Invoice.objects.find(org_id=invoice.org_id, invoice_id=invoice.pk)
    assert said in text(read(found))


@pytest.mark.parametrize(
    ("amount", "written"),
    [("1234567.8", "USD 1,234,567.80"), ("0.012345", "USD 0.012345"), ("7", "USD 7.00")],
)
def test_amounts_are_written_with_thousands_and_places(amount, written):
    assert wording.money(amount, "USD") == written


def test_a_pending_one_without_terms_is_to_be_paid():
    assert wording.status("pending", due_at=None, paid_at=None) == "To be paid"
