"""Paying an invoice by card now."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from billing import collecting, payment_methods
from billing.choices import AttemptStatus, PaymentStatus
from billing.models import PaymentAttempt
from billing.providers import PaymentMethod
from orgbilling.console.actions import ActionForm, Change, Preview
from orgbilling.console.money_pages import wording
from orgbilling.console.money_pages.elsewhere import ElsewherePage
from orgbilling.console.money_pages.invoices import InvoicePart
from orgbilling.console.money_pages.payable import may_pay_now
from orgbilling.lib.errors import InvalidRequest


class PayNow(InvoicePart, ElsewherePage):
    """Charge the default card, with its holder there."""

    title = "Pay now"
    verb: ClassVar[str] = "Pay now"

    def after_url(self) -> str:
        """The invoice."""
        return reverse("admin:org_invoice", args=[self.org_id, self.kwargs["invoice_id"]])

    def preview(self, form: ActionForm) -> Preview:
        """How much, from which card."""
        invoice = self.invoice
        if not may_pay_now(invoice.payment):
            raise InvalidRequest("invoice", "This invoice is not to be paid by card.")
        card = self._card()
        amount = wording.money(invoice.payment.amount, invoice.payment.currency)
        return Preview(
            f"{amount} is taken from {label_of(card)} for invoice {invoice.display_number}.",
            [Change("Invoice", wording.PAYMENT_BADGES[PaymentStatus.PENDING].label, "Paid")],
        )

    def act(self, form: ActionForm) -> HttpResponseBase:
        """Charge the card, and lead to the bank when its holder has to agree there."""
        invoice = self.invoice
        outcome = collecting.pay_now(
            org_id=self.org_id,
            payment_id=invoice.payment_id,
            return_url=self.absolute(self.after_url()),
        )
        if outcome.redirect_url:
            return self.leave(outcome.redirect_url, "your bank, which wants you to agree to it")
        self._tell(outcome.attempt)
        return redirect(self.after_url())

    def _tell(self, attempt: PaymentAttempt) -> None:
        if attempt.status == AttemptStatus.SUCCEEDED:
            messages.success(self.request, "The invoice is paid.")
        elif attempt.status == AttemptStatus.STARTED:
            messages.info(self.request, "The card is being charged: look again in a minute.")
        else:
            messages.error(self.request, f"The card was not charged: {reason_of(attempt)}")

    def _card(self) -> PaymentMethod:
        cards = payment_methods.methods(self.org_id)
        if not cards or not cards[0].is_default:
            raise InvalidRequest(
                "invoice", "There is no default card. Add one under Payment methods first."
            )
        return cards[0]


def label_of(card: PaymentMethod) -> str:
    """`Visa ending in 4242`."""
    return f"{card.brand.replace('_', ' ').title()} ending in {card.last4}"


def reason_of(attempt: PaymentAttempt) -> str:
    """Why an attempt brought no money, and what would help."""
    said: Any = attempt.failure_message or "The provider gave no reason."
    if attempt.status == AttemptStatus.REQUIRES_ACTION:
        return f"{said} Its holder has to agree at the bank: choose Pay now."
    return f"{said} Try another card."
