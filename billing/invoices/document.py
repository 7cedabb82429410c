"""The document of an invoice: all that is printed on it, frozen when it is issued.

Names, addresses and prices may change later, in the settings, the catalogue and the organization; an
invoice goes on saying what held when it was issued.
"""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings

from billing.invoices.lines import line_of
from billing.models import BillingDetails, BillingEvent, Payment, Plan
from organizations.models import Organization
from orgbilling.web.responses import rfc3339

#: Of the document's form, so that a later one can be told apart.
VERSION: Final = 1


def compose(payment: Payment, number: int) -> dict[str, Any]:
    """The document of a payment under this number, as JSON keeps it.

    Amounts are text with two places, moments text by RFC 3339 in UTC, absent things None.
    """
    event = payment.event
    plans = dict(Plan.objects.values_list("code", "name"))
    return {
        "version": VERSION,
        "number": display_number(payment.org, number),
        "issued_at": rfc3339(payment.created_at),
        "due_at": _due_at(payment),
        "seller": _seller(),
        "buyer": _buyer(payment.org),
        "period": _period(event),
        "lines": [line_of(event, plans).as_json()],
        "currency": payment.currency,
        "total": f"{payment.amount:.2f}",
        "reference": _reference(event),
        "note": settings.INVOICE_NOTE,
    }


def display_number(organization: Organization, number: int) -> str:
    """The slug, which never changes, and at least four digits: `TEST-ORG-ALPHA-0007`."""
    return f"{organization.name.upper()}-{number:04d}"


def _due_at(payment: Payment) -> str | None:
    """When the terms of payment end; None for what was paid when it was charged."""
    if payment.paid_at == payment.created_at:
        return None
    return rfc3339(payment.created_at + timedelta(days=settings.PAYMENT_TERMS_DAYS))


def _period(event: BillingEvent) -> dict[str, str | None] | None:
    if event.period_start is None or event.period_end is None:
        return None
    return {"start": rfc3339(event.period_start), "end": rfc3339(event.period_end)}


def _reference(event: BillingEvent) -> str:
    """The buyer's own word for a purchase, when one was given."""
    told = event.metadata if isinstance(event.metadata, dict) else {}
    return str(told.get("reference", ""))


def _seller() -> dict[str, str]:
    return {
        "name": settings.INVOICE_SELLER_NAME,
        "address": settings.INVOICE_SELLER_ADDRESS,
        "tax_id": settings.INVOICE_SELLER_TAX_ID,
        "email": settings.INVOICE_SELLER_EMAIL,
    }


def _buyer(organization: Organization) -> dict[str, str]:
    details = BillingDetails.objects.of(organization.pk) or BillingDetails()
    return {
        "name": details.legal_name or organization.display_name,
        "address": details.address,
        "country": details.country,
        "tax_id": details.tax_id,
        "email": details.email,
    }
