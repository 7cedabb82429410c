"""Whether an invoice can be paid by card."""

from __future__ import annotations

from billing import providers
from billing.choices import PaymentStatus
from billing.models import Payment


def may_pay_now(payment: Payment) -> bool:
    """Whether a card can be charged for it."""
    return providers.current().collects and payment.status == PaymentStatus.PENDING
