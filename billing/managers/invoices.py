"""Numbering invoices without a gap, and finding them."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import Max

from billing.choices import EventType
from billing.events import tell_of_invoice
from orgbilling.lib.errors import NotFound

if TYPE_CHECKING:
    from billing.models.invoice import Invoice


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    """Invoices as people see them."""

    def with_payment(self) -> "InvoiceQuerySet":
        """With what `status` and `paid_at` are read from: no query for each."""
        return self.select_related("payment", "org")

    def newest_first(self) -> "InvoiceQuerySet":
        """Of one organization: the highest number first."""
        return self.order_by("-number")


class InvoiceManager(models.Manager.from_queryset(InvoiceQuerySet)):  # type: ignore[misc]
    """The only door through which invoices are issued; nothing changes one."""

    def next_number(self, org_id: uuid.UUID) -> int:
        """The number after the highest that is committed, from 1; another run may take it first."""
        highest = self.filter(org_id=org_id).aggregate(highest=Max("number"))["highest"]
        return (highest or 0) + 1

    def issue(
        self,
        *,
        org_id: uuid.UUID,
        payment_id: uuid.UUID,
        number: int,
        issued_at: datetime,
        document: dict[str, Any],
    ) -> bool:
        """Add the invoice; False when another run took the number or invoiced the payment first.

        `number`: from `next_number`. No gap can come of it: the number before is committed, and
        committed invoices stay. A run that has the same number uncommitted is waited for.
        """
        row = self.model(
            org_id=org_id,
            payment_id=payment_id,
            number=number,
            issued_at=issued_at,
            document=document,
        )
        self.bulk_create([row], ignore_conflicts=True)
        issued = bool(self.filter(pk=row.pk).exists())
        if issued:
            payments: Any = apps.get_model("billing", "Payment").objects
            payment = payments.find(org_id=org_id, payment_id=payment_id)
            tell_of_invoice(row, payment, settled_before=self._was_settled(payment))
        return issued

    @staticmethod
    def _was_settled(payment: Any) -> bool:
        """Whether it was paid after it was opened: then whoever settled it has told of that."""
        history: Any = apps.get_model("billing", "BillingEvent").objects
        settled = history.filter(
            org_id=payment.org_id,
            event_type=EventType.PAYMENT_RECEIVED,
            created_at__gte=payment.created_at,
            metadata__payment_id=str(payment.pk),
        )
        return bool(settled.exists())

    def find(self, *, org_id: uuid.UUID, invoice_id: uuid.UUID) -> "Invoice":
        """Return the invoice with its payment. Raises NotFound."""
        found: Invoice | None = (
            self.get_queryset().with_payment().filter(org_id=org_id, id=invoice_id).first()
        )
        if found is None:
            raise NotFound("There is no invoice with this id.")
        return found
