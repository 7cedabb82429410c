"""An invoice: what an organization is asked to pay for, as a document that stays as it was issued."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.managers.invoices import InvoiceManager
from billing.models.payment import Payment
from organizations.models import Organization
from orgbilling.lib.ids import uuid7
from orgbilling.lib.ledger_key import LedgerForeignKey


class Invoice(models.Model):
    """The invoice of one payment; never updated, never deleted.

    `number` counts from 1 in each organization, without a gap. `issued_at` is the moment of the charge,
    from which the terms of payment count; `created_at` is when the document was written, normally
    seconds later. `document` is JSON, as `billing.invoices.document` makes it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="invoices", db_index=False
    )
    payment = LedgerForeignKey(
        Payment,
        on_delete=models.PROTECT,
        related_name="invoices",
        db_constraint=False,
        db_index=False,
    )
    number = models.IntegerField()
    issued_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    document = models.JSONField()

    objects: ClassVar[InvoiceManager] = InvoiceManager()

    class Meta:
        """Table and constraints; SQL makes the key to the payment, with org_id in it."""

        db_table = "invoices"
        ordering = ("-issued_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("org", "id"), name="invoices_org_id_id_key"),
            models.UniqueConstraint(
                fields=("org", "payment"), name="invoices_org_id_payment_id_key"
            ),
            models.UniqueConstraint(fields=("org", "number"), name="invoices_org_id_number_key"),
            models.CheckConstraint(name="invoices_number_check", condition=Q(number__gte=1)),
        )
        indexes = (models.Index(fields=("-issued_at", "-id"), name="invoices_new"),)

    def __str__(self) -> str:
        return self.display_number

    @property
    def display_number(self) -> str:
        """The number as people write it, such as `TEST-ORG-ALPHA-0007`."""
        return str(self.document["number"])

    @property
    def status(self) -> str:
        """The payment's: pending, paid or void."""
        return self.payment.status

    @property
    def paid_at(self) -> datetime | None:
        """When it was paid; None while it isn't."""
        return self.payment.paid_at

    @property
    def filename(self) -> str:
        """What its PDF is called when somebody saves it."""
        return f"invoice-{self.display_number}.pdf"
