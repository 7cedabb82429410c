"""Invoices are issued: one for each payment, numbered in each organization from 1 without a gap.

Not in the transaction that opens the payment. There a number would be a lock that everybody wants who is
billed at the same moment, whatever locks they hold already; it would be one more way into a deadlock.
A job issues what is missing right after, a sweep what a job missed, and whoever lists invoices comes
before both. Any number of runs may do it at once: a unique index on the number and one on the payment
decide, and who loses looks again. Each invoice is a transaction of its own, which holds nothing else
that anybody waits for.
"""

import uuid
from typing import Final

import structlog

from billing.invoices.document import compose
from billing.managers.invoices import InvoiceQuerySet
from billing.managers.payments import PaymentQuerySet
from billing.models import Invoice, Payment
from orgbilling.lib import jobs

logger = structlog.stdlib.get_logger(__name__)

#: Payments looked up at a time.
BATCH: Final = 200
#: As many invoices are issued while somebody waits for the list; jobs issue the rest.
AT_ONCE: Final = 100


def issue_missing(org_id: uuid.UUID) -> int:
    """Issue an invoice for every committed payment that has none, the oldest first; returns how many.

    Call it outside of a transaction. May be killed anywhere, and run again. Raises DatabaseUnavailable
    and OutcomeUnknown, as `transactions.run`.
    """
    issued = 0
    missing = Payment.objects.without_invoice().filter(org_id=org_id)
    while payments := _oldest(missing, BATCH):
        issued += sum(_issue(payment) for payment in payments)
    return issued


def issue_due(limit: int = 500) -> int:
    """Issue what is missing in up to `limit` organizations; returns how many invoices.

    One organization that fails is logged and stops no other; it is found again by the next sweep.
    """
    due = Payment.objects.without_invoice().order_by().values_list("org_id", flat=True).distinct()
    return sum(_issue_safely(org_id) for org_id in due[:limit])


def listed(org_id: uuid.UUID) -> InvoiceQuerySet:
    """The organization's invoices, newest first, each with its payment: none is missing.

    But for organizations billed more than `AT_ONCE` times since invoices were issued last: a job issues the
    rest. Reading them all is one query, whatever their number. Call it outside of a transaction.
    """
    missing = Payment.objects.without_invoice().filter(org_id=org_id)
    for payment in _oldest(missing, AT_ONCE):
        _issue(payment)
    invoices: InvoiceQuerySet = Invoice.objects.with_payment().filter(org_id=org_id).newest_first()
    return invoices


def _oldest(missing: PaymentQuerySet, limit: int) -> list[Payment]:
    return list(missing.select_related("event", "org").order_by("created_at", "id")[:limit])


def _issue(payment: Payment) -> bool:
    """Issue the payment's invoice; False when another run did."""
    while True:
        if jobs.run(lambda: _issue_next(payment)):
            return True
        if Invoice.objects.filter(org_id=payment.org_id, payment_id=payment.pk).exists():
            return False


def _issue_next(payment: Payment) -> bool:
    """Try the next number once; False when another run was faster."""
    number = Invoice.objects.next_number(payment.org_id)
    return Invoice.objects.issue(
        org_id=payment.org_id,
        payment_id=payment.pk,
        number=number,
        issued_at=payment.created_at,
        document=compose(payment, number),
    )


def _issue_safely(org_id: uuid.UUID) -> int:
    try:
        return issue_missing(org_id)
    except Exception:
        logger.exception("invoices.not_issued", org_id=org_id)
        return 0
