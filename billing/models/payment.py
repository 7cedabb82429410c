"""A payment: what became of the amount of one event of the history."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from billing.choices import CURRENCY, PaymentStatus
from billing.managers.payments import PaymentManager
from billing.models.history import BillingEvent
from organizations.models import Organization
from orgbilling.lib.ids import uuid7
from orgbilling.lib.ledger_key import LedgerForeignKey


class Payment(models.Model):
    """The settlement of one charge: it moves on, the history's row stays as it was written."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="payments", db_index=False
    )
    event = LedgerForeignKey(
        BillingEvent,
        on_delete=models.PROTECT,
        related_name="payments",
        db_constraint=False,
        db_index=False,
    )
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3, default=CURRENCY)
    status = models.CharField(max_length=16, choices=PaymentStatus, default=PaymentStatus.PENDING)
    paid_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects: ClassVar[PaymentManager] = PaymentManager()

    class Meta:
        """Table and constraints; SQL makes the key to the event, with org_id in it."""

        db_table = "payments"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("org", "id"), name="payments_org_id_id_key"),
            models.UniqueConstraint(fields=("org", "event"), name="payments_org_id_event_id_key"),
            models.CheckConstraint(name="payments_amount_check", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="payments_status_check", condition=Q(status__in=PaymentStatus.values)
            ),
            models.CheckConstraint(
                name="payments_paid_at_check",
                condition=Q(status=PaymentStatus.PAID, paid_at__isnull=False)
                | (~Q(status=PaymentStatus.PAID) & Q(paid_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="payments_currency_check", condition=Q(currency__regex=r"^[A-Z]{3}$")
            ),
        )
        indexes = (
            models.Index(
                fields=("org", "event"),
                condition=Q(status=PaymentStatus.PENDING),
                name="payments_pending",
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}, {self.status}"
