"""Marking an invoice paid, or void: for whoever runs the service."""

from __future__ import annotations

from typing import ClassVar

from django.urls import reverse

from billing import settling
from billing.choices import PaymentStatus
from credits.functions import Origin
from organizations.access import Rule
from orgbilling.console.actions import ActionForm, Change, Preview
from orgbilling.console.money_pages import wording
from orgbilling.console.money_pages.invoices import InvoicePart
from orgbilling.console.money_pages.reviewing import ReviewedPage
from orgbilling.console.pages import SYSTEM
from orgbilling.lib.errors import InvalidRequest


class SettlingPage(InvoicePart, ReviewedPage):
    """What becomes of a pending invoice; leads back to it."""

    rule: ClassVar[Rule] = SYSTEM
    #: What it will be.
    outcome: ClassVar[PaymentStatus]

    def after_url(self) -> str:
        """The invoice."""
        return reverse("admin:org_invoice", args=[self.org_id, self.kwargs["invoice_id"]])

    def preview(self, form: ActionForm) -> Preview:
        """Which invoice, of how much."""
        invoice = self.invoice
        badge = wording.PAYMENT_BADGES[invoice.status]
        if invoice.status != PaymentStatus.PENDING:
            raise InvalidRequest("invoice", f"This invoice is {badge.label.lower()} already.")
        amount = wording.money(invoice.payment.amount, invoice.payment.currency)
        return Preview(
            f"Invoice {invoice.display_number} of {self.organization.display_name} over {amount}.",
            [Change("Status", badge.label, wording.PAYMENT_BADGES[self.outcome].label)],
            [self.warning()],
        )

    def warning(self) -> str:
        """What the person should know before."""
        raise NotImplementedError


class MarkPaid(SettlingPage):
    """The money has come."""

    title = "Mark the invoice paid"
    operation = "mark-paid"
    verb = "Mark paid"
    outcome = PaymentStatus.PAID

    def warning(self) -> str:
        """That it is final."""
        return "Confirm only when the money has come: a paid invoice stays paid."

    def perform(self, form: ActionForm, origin: Origin) -> str:
        """Settle its payment."""
        invoice = self.invoice
        settling.settle(org_id=self.org_id, payment_id=invoice.payment_id, origin=origin)
        return f"Invoice {invoice.display_number} is paid."


class VoidInvoice(SettlingPage):
    """The money won't come, and isn't waited for."""

    title = "Void the invoice"
    operation = "void-invoice"
    verb = "Void the invoice"
    button = "ob-button-danger"
    outcome = PaymentStatus.VOID

    def warning(self) -> str:
        """That it is final, and gives no credits back."""
        return (
            "Nothing is to be paid for it any more, and that can't be undone. "
            "What was bought with it stays bought."
        )

    def perform(self, form: ActionForm, origin: Origin) -> str:
        """Give up its payment."""
        invoice = self.invoice
        settling.void(org_id=self.org_id, payment_id=invoice.payment_id, origin=origin)
        return f"Invoice {invoice.display_number} is void."
