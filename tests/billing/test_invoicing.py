"""Every payment has one invoice; its number follows the one before, and its document stays."""

import logging
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import invoicing, plan_change, settling
from billing.invoices.document import compose
from billing.jobs import issue_invoices, issue_invoices_due
from billing.managers.payments import ISSUE_TASK
from billing.models import BillingDetails, BillingEvent, Invoice, Payment, Plan
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from credits.models import OveragePeriod
from orgbilling.lib import sqlstate
from orgbilling.lib.clock import now, simulated
from orgbilling.lib.errors import NotFound
from orgbilling.lib.ids import uuid7
from tests.billing.clockwork import advance, day, pay
from tests.billing.conftest import ORIGIN, count_queries
from tests.factories import make_organization
from tests.verification.guards import disable_triggers

pytestmark = pytest.mark.django_db

START = day("2026-11-01")


def buy(org, credits=100, at=None):
    with simulated(at or now()):
        buy_on_account(organization=org, parcel=Parcel(credits), origin=ORIGIN)


def of(org):
    """The organization's invoices, by their numbers."""
    return list(Invoice.objects.with_payment().filter(org=org).order_by("number"))


def one_line(org):
    """The last invoice's document and its line."""
    invoicing.issue_missing(org.pk)
    document = of(org)[-1].document
    (line,) = document["lines"]
    return document, line


def test_payments_are_invoiced_once_the_oldest_first(alpha):
    for days in (3, 1, 2):
        buy(alpha, days * 100, at=START + timedelta(days=days))
    assert invoicing.issue_missing(alpha.pk) == 3
    assert [(one.number, one.document["total"]) for one in of(alpha)] == [
        (1, "1.00"),
        (2, "2.00"),
        (3, "3.00"),
    ]
    assert invoicing.issue_missing(alpha.pk) == 0
    buy(alpha, 700, at=START)
    assert invoicing.issue_missing(alpha.pk) == 1
    assert [one.number for one in of(alpha)] == [1, 2, 3, 4]
    assert of(alpha)[-1].document["total"] == "7.00"


def test_every_organization_counts_by_itself(alpha, globex):
    for org in (alpha, globex, alpha):
        buy(org)
    assert invoicing.issue_due() == 3
    assert [one.display_number for one in of(alpha)] == [
        "TEST-ORG-ALPHA-0001",
        "TEST-ORG-ALPHA-0002",
    ]
    assert [one.display_number for one in of(globex)] == ["GLOBEX-0001"]
    assert of(globex)[0].filename == "invoice-GLOBEX-0001.pdf"


def test_a_grant_has_no_invoice(alpha):
    add_at_named_price(org_id=alpha.pk, parcel=Parcel(100), origin=ORIGIN)
    assert invoicing.issue_missing(alpha.pk) == 0


def test_a_batch_s_end_is_not_the_end(alpha, monkeypatch):
    monkeypatch.setattr(invoicing, "BATCH", 2)
    for _ in range(5):
        buy(alpha)
    assert invoicing.issue_missing(alpha.pk) == 5
    assert [one.number for one in of(alpha)] == [1, 2, 3, 4, 5]


def test_the_document_says_all_that_is_printed(alpha, subscribed, settings):
    settings.INVOICE_SELLER_NAME, settings.INVOICE_NOTE = "Seller Ltd", "Thank you."
    BillingDetails.objects.change(
        org_id=alpha.pk, actor="user:x", legal_name="Alpha GmbH", tax_id="DE 1"
    )
    subscribed(alpha, at=START)
    document, line = one_line(alpha)
    assert document == {
        "version": 1,
        "number": "TEST-ORG-ALPHA-0001",
        "issued_at": "2026-11-01T00:00:00Z",
        "due_at": "2026-11-15T00:00:00Z",
        "seller": {
            "name": "Seller Ltd",
            "address": "1 Example Street\nExample City",
            "tax_id": "",
            "email": "billing@orgbilling.example",
        },
        "buyer": {
            "name": "Alpha GmbH",
            "address": "",
            "country": "",
            "tax_id": "DE 1",
            "email": "",
        },
        "period": {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"},
        "lines": [line],
        "currency": "USD",
        "total": line["amount"],
        "reference": "",
        "note": "Thank you.",
    }
    price = f"{Plan.objects.get(pk='platform').monthly_price:.2f}"
    assert line == {
        "description": "Platform plan",
        "detail": "Billed monthly",
        "quantity": 1,
        "unit_amount": price,
        "amount": price,
    }
    assert of(alpha)[0].issued_at == START


def test_credits_have_a_quantity_and_a_price(alpha):
    add_at_named_price(
        org_id=alpha.pk, parcel=Parcel(3, Decimal("1.00"), reference="PO-7"), origin=ORIGIN
    )
    document, line = one_line(alpha)
    assert (line["description"], line["quantity"]) == ("Credits", 3)
    assert (line["unit_amount"], line["amount"]) == ("0.333333", "1.00")
    # What was paid at once is never due.
    assert (document["reference"], document["due_at"], document["period"]) == ("PO-7", None, None)
    add_at_named_price(org_id=alpha.pk, parcel=Parcel(10**15, Decimal("0.01")), origin=ORIGIN)
    document, line = one_line(alpha)
    assert (line["unit_amount"], line["amount"]) == (None, "0.01")


def test_an_upgrade_shows_the_sum(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    with simulated(day("2026-11-16")):
        plan_change.change(
            org_id=alpha.pk,
            subscription_id=subscription.pk,
            plan="hybrid",
            billing_cycle=None,
            origin=ORIGIN,
        )
    document, line = one_line(alpha)
    old, new = (Plan.objects.get(pk=code).monthly_price for code in ("platform", "hybrid"))
    assert line["description"] == "Hybrid plan, billed monthly"
    assert line["detail"] == (
        f"Changed from Platform plan, billed monthly: USD {old} before, USD {new} now, "
        "with 50.0 % of the period left"
    )
    assert document["total"] == f"{(new - old) / 2:.2f}"
    assert document["period"]["start"] == "2026-11-16T00:00:00Z"


def test_a_renewal_names_the_plan_that_it_begins(alpha, subscribed):
    subscription = subscribed(alpha, "hybrid", at=START)
    pay(subscription, START)
    with simulated(START):
        plan_change.change(
            org_id=alpha.pk,
            subscription_id=subscription.pk,
            plan="platform",
            billing_cycle=None,
            origin=ORIGIN,
        )
    advance(subscription, day("2026-12-01"))
    assert one_line(alpha)[1]["description"] == "Platform plan"


def test_overage_is_credits_at_a_rate(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    disable_triggers("overage_periods")
    OveragePeriod.objects.create(
        org=alpha,
        period_start=START,
        period_end=day("2026-11-20"),
        credits=250,
        rate=Decimal("0.02"),
        created_at=now(),
    )
    pay(subscription, START)
    advance(subscription, day("2026-12-01"))
    invoicing.issue_missing(alpha.pk)
    (line,) = (
        line
        for one in of(alpha)
        for line in one.document["lines"]
        if line["description"] == "Credits used beyond the pool"
    )
    assert (line["quantity"], line["unit_amount"], line["amount"]) == (250, "0.02", "5.00")


@pytest.mark.parametrize("metadata", [{}, {"from": 1, "to": []}, {"plan": 3}, [], {"to": {}}])
@pytest.mark.parametrize(
    "event_type", ["subscription_upgraded", "subscription_renewed", "overage_charge"]
)
def test_an_event_that_tells_little_is_invoiced_all_the_same(
    alpha, subscribed, event_type, metadata
):
    subscription = subscribed(alpha, at=START, trial_days=7)
    event = BillingEvent.objects.record(
        org_id=alpha.pk,
        origin=ORIGIN,
        moment=START,
        payment="pending",
        subscription=subscription,
        event_type=event_type,
        amount=Decimal("5.00"),
        metadata=metadata,
    )
    document, line = one_line(alpha)
    assert line["description"] == event.get_event_type_display()
    assert (line["amount"], document["reference"]) == ("5.00", "")


def test_an_invoice_says_what_held_when_it_was_issued(alpha, subscribed, settings):
    subscribed(alpha, at=START)
    before, _ = one_line(alpha)
    Plan.objects.filter(pk="platform").update(name="Gold")
    settings.INVOICE_SELLER_NAME = "Another seller"
    BillingDetails.objects.change(org_id=alpha.pk, actor="system", legal_name="Another name")
    alpha.display_name = "Renamed"
    alpha.save()
    assert of(alpha)[0].document == before
    assert before["buyer"]["name"] == "Test Org Alpha"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE invoices SET number = 7", "DELETE FROM invoices", "TRUNCATE invoices CASCADE"],
)
def test_an_invoice_cannot_be_changed_by_hand(alpha, statement):
    buy(alpha)
    invoicing.issue_missing(alpha.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            cursor.execute(statement)
    assert sqlstate.of(caught.value) == "OB020"


def test_an_invoice_is_of_its_own_organization_s_payment(alpha, globex):
    buy(globex)
    payment = Payment.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.issue(
            org_id=alpha.pk,
            payment_id=payment.pk,
            number=1,
            issued_at=now(),
            document=compose(payment, 1),
        )


def test_a_number_or_a_payment_that_is_taken_is_not_taken_twice(alpha):
    buy(alpha)
    buy(alpha)
    first, second = Payment.objects.order_by("created_at", "id")

    def issue(payment, number):
        return Invoice.objects.issue(
            org_id=alpha.pk,
            payment_id=payment.pk,
            number=number,
            issued_at=now(),
            document=compose(payment, number),
        )

    assert Invoice.objects.next_number(alpha.pk) == 1
    assert issue(first, 1)
    assert not issue(first, 2)
    assert not issue(second, 1)
    assert Invoice.objects.next_number(alpha.pk) == 2
    assert invoicing.issue_missing(alpha.pk) == 1
    assert [(one.number, one.payment_id) for one in of(alpha)] == [(1, first.pk), (2, second.pk)]


def test_the_status_is_the_payment_s(alpha):
    for _ in range(3):
        buy(alpha, at=START)
    invoicing.issue_missing(alpha.pk)
    first, second, _ = of(alpha)
    with simulated(START + timedelta(days=2)):
        settling.settle(org_id=alpha.pk, payment_id=first.payment_id, origin=ORIGIN)
        settling.void(org_id=alpha.pk, payment_id=second.payment_id, origin=ORIGIN)
    assert [(one.status, one.paid_at) for one in of(alpha)] == [
        ("paid", START + timedelta(days=2)),
        ("void", None),
        ("pending", None),
    ]


def test_who_lists_invoices_misses_none_and_asks_little(alpha, globex):
    buy(globex)
    for _ in range(2):
        buy(alpha)

    def read():
        return [(one.number, one.status, str(one.org)) for one in invoicing.listed(alpha.pk)]

    assert read() == [(2, "pending", "Test Org Alpha"), (1, "pending", "Test Org Alpha")]
    assert count_queries(read) == 2
    for _ in range(9):
        buy(alpha)
    assert [number for number, *_ in read()] == list(range(11, 0, -1))
    assert count_queries(read) == 2


def test_one_is_found_in_its_organization_only(alpha, globex):
    buy(alpha)
    (invoice,) = invoicing.listed(alpha.pk)
    found = Invoice.objects.find(org_id=alpha.pk, invoice_id=invoice.pk)
    assert (found, found.status) == (invoice, "pending")
    for org_id, invoice_id in ((globex.pk, invoice.pk), (alpha.pk, uuid7())):
        with pytest.raises(NotFound):
            Invoice.objects.find(org_id=org_id, invoice_id=invoice_id)


def test_a_payment_asks_for_its_invoice_in_its_own_transaction(alpha):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        buy(alpha)
        raise ZeroDivisionError
    assert not ProcrastinateJob.objects.filter(task_name=ISSUE_TASK).exists()
    buy(alpha)
    job = ProcrastinateJob.objects.get(task_name=ISSUE_TASK)
    assert job.args == {"org_id": str(alpha.pk)}
    # A key would make two who are billed at the same moment wait for each other.
    assert (job.queueing_lock, job.scheduled_at) == (None, None)
    for _ in range(2):
        issue_invoices(**job.args)
    assert [one.number for one in of(alpha)] == [1]


def test_the_sweep_finds_what_no_job_issued(alpha, globex):
    for org in (alpha, globex):
        buy(org)
    assert invoicing.issue_due(limit=1) == 1
    issue_invoices_due(timestamp=0)
    assert Invoice.objects.count() == 2


def test_an_organization_that_fails_stops_no_other(monkeypatch, caplog):
    broken, sound = make_organization(), make_organization()
    for org in (broken, sound):
        buy(org)

    def fail(payment, number):
        if payment.org_id == broken.pk:
            raise ZeroDivisionError
        return compose(payment, number)

    monkeypatch.setattr(invoicing, "compose", fail)
    with caplog.at_level(logging.ERROR, "billing.invoicing"):
        assert invoicing.issue_due() == 1
    assert [record.event_fields["org_id"] for record in caplog.records] == [broken.pk]
    assert len(of(sound)) == 1
