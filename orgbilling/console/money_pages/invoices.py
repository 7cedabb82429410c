"""Invoices: their list, each as a page that prints well, and as PDF."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import cached_property

from billing import invoicing
from billing.choices import PaymentStatus
from billing.invoices.pdf import render_pdf
from billing.models import Invoice, PaymentAttempt
from orgbilling.console.money_pages import wording
from orgbilling.console.money_pages.payable import may_pay_now
from orgbilling.console.pages import SYSTEM, OrgPage
from orgbilling.lib import clock
from orgbilling.lib.errors import NotFound
from orgbilling.web.paginating import BoundedPaginator

PER_PAGE: Final = 50


class InvoiceFilter(forms.Form):
    """Which invoices are shown."""

    status = forms.ChoiceField(
        choices=[
            ("", "All"),
            *((status, wording.PAYMENT_BADGES[status].label) for status in PaymentStatus.values),
        ],
        required=False,
    )


class InvoiceList(OrgPage):
    """The organization's invoices, newest first; billing roles see them."""

    title = "Invoices"
    template_name = "console/money/invoices.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the page of invoices that is asked for; what is missing is issued first."""
        form = InvoiceFilter(self.request.GET)
        invoices = invoicing.listed(self.org_id)
        status = form.cleaned_data["status"] if form.is_valid() else ""
        if status:
            invoices = invoices.filter(payment__status=status)
        page = BoundedPaginator(invoices, PER_PAGE).get_page(self.request.GET.get("page"))
        moment = clock.database_now()
        return super().get_context_data(
            form=form,
            page=page,
            rows=[row_of(invoice, moment) for invoice in page],
            query=f"status={status}" if status else "",
            filtered=bool(status),
            **kwargs,
        )


class InvoicePart(OrgPage):
    """What looks at one invoice, named in the address."""

    @cached_property
    def invoice(self) -> Invoice:
        """The invoice.

        Raises:
            Http404: the organization has none with this id.
        """
        return invoice_of(self.org_id, self.kwargs["invoice_id"])


class InvoicePage(InvoicePart):
    """One invoice."""

    template_name = "console/money/invoice.html"

    def page_title(self) -> str:
        """Its number."""
        return f"Invoice {self.invoice.display_number}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the document, and what became of it."""
        invoice = self.invoice
        document = invoice.document
        attempts = PaymentAttempt.objects.of(org_id=self.org_id, payment_id=invoice.payment_id)
        return super().get_context_data(
            invoice=invoice,
            document=document,
            issued_at=invoice.issued_at,
            due_at=_moment(document["due_at"]),
            period=_period(document["period"]),
            lines=[_line(line, document["currency"]) for line in document["lines"]],
            total=wording.money(Decimal(document["total"]), document["currency"]),
            row=row_of(invoice, clock.database_now()),
            attempt=attempts.order_by("-number").first(),
            may_settle=self.principal.may(SYSTEM, self.org_id)
            and invoice.status == PaymentStatus.PENDING,
            may_pay=may_pay_now(invoice.payment),
            **kwargs,
        )


class InvoicePdf(InvoicePart):
    """The same as a file."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The PDF, to be saved under the invoice's number."""
        invoice = self.invoice
        response = HttpResponse(render_pdf(invoice), content_type="application/pdf")
        response["Content-Disposition"] = f'attachment; filename="{invoice.filename}"'
        return response


def invoice_of(org_id: UUID, invoice_id: UUID) -> Invoice:
    """The organization's invoice.

    Raises:
        Http404: it has none with this id.
    """
    try:
        found: Invoice = Invoice.objects.find(org_id=org_id, invoice_id=invoice_id)
    except NotFound as exc:
        raise Http404 from exc
    return found


def row_of(invoice: Invoice, moment: datetime) -> dict[str, Any]:
    """An invoice as the table shows it."""
    document = invoice.document
    due = _moment(document["due_at"])
    overdue = invoice.status == PaymentStatus.PENDING and due is not None and due < moment
    return {
        "invoice": invoice,
        "description": ", ".join(line["description"] for line in document["lines"]),
        "amount": wording.money(Decimal(document["total"]), document["currency"]),
        "badge": OVERDUE if overdue else wording.PAYMENT_BADGES[invoice.status],
        "due_at": due,
    }


#: An unpaid invoice after its terms of payment.
OVERDUE: Final = wording.Badge("Overdue", "bad")


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _period(told: dict[str, str] | None) -> tuple[datetime | None, datetime | None] | None:
    return None if told is None else (_moment(told["start"]), _moment(told["end"]))


def _line(line: dict[str, Any], currency: str) -> dict[str, Any]:
    unit = line["unit_amount"]
    return {
        **line,
        "unit_amount": "" if unit is None else f"{currency} {Decimal(unit):,}",
        "amount": wording.money(Decimal(line["amount"]), currency),
    }
