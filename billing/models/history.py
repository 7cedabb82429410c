"""The billing history: everything that happened to an organization's money, for ever."""

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import Q

from billing.choices import CREDIT_EVENTS, CURRENCY, EVENTS_WITHOUT_SUBSCRIPTION, EventType
from billing.managers.history import HistoryManager
from billing.models.subscription import Subscription
from organizations.models import Organization
from orgbilling.lib.ids import uuid7
from orgbilling.lib.ledger_key import LedgerForeignKey


class BillingEvent(models.Model):
    """One event; never updated, never deleted, not even by the database's owner from psql.

    Whether its amount has been paid is not said here but in its payment's row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="billing_events", db_index=False
    )
    subscription = LedgerForeignKey(
        Subscription,
        on_delete=models.PROTECT,
        related_name="events",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )
    event_type = models.CharField(max_length=32, choices=EventType)
    amount = models.DecimalField(max_digits=16, decimal_places=2, default=Decimal("0.00"))
    currency = models.CharField(max_length=3, default=CURRENCY)
    credits = models.BigIntegerField(null=True, blank=True)
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    actor = models.CharField(max_length=64, help_text="Who did it: user:<id>, key:<id> or system.")
    notes = models.TextField(blank=True, default="")
    metadata = models.JSONField(blank=True, default=dict)
    request_id = models.CharField(max_length=255, blank=True, default="")
    operation = models.CharField(max_length=32, blank=True, default="")
    idempotency_key = models.CharField(  # noqa: DJ001 - null: no key, outside the unique index
        max_length=255, null=True, blank=True
    )
    body_hash = models.BinaryField(null=True, blank=True)
    created_at = models.DateTimeField()

    #: Read from the payment's row, by `with_payment_status` and by `record`.
    payment_status: str | None

    objects: ClassVar[HistoryManager] = HistoryManager()

    class Meta:
        """Table and constraints; SQL makes the key to the subscription, with org_id in it."""

        db_table = "org_billing_history"
        verbose_name = "billing event"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("org", "id"), name="org_billing_history_org_id_id_key"),
            models.UniqueConstraint(
                fields=("org", "operation", "idempotency_key"),
                condition=Q(idempotency_key__isnull=False),
                name="org_billing_history_org_id_key_key",
            ),
            models.CheckConstraint(
                name="org_billing_history_event_type_check",
                condition=Q(event_type__in=EventType.values),
            ),
            models.CheckConstraint(
                name="org_billing_history_amount_check", condition=Q(amount__gte=0)
            ),
            models.CheckConstraint(
                name="org_billing_history_credits_check",
                condition=Q(
                    event_type__in=CREDIT_EVENTS,
                    credits__isnull=False,
                    credits__gt=0,
                )
                | (
                    ~Q(event_type__in=CREDIT_EVENTS)
                    & Q(credits__isnull=True)
                    & (
                        Q(subscription__isnull=False)
                        | Q(event_type__in=EVENTS_WITHOUT_SUBSCRIPTION)
                    )
                ),
            ),
            models.CheckConstraint(
                name="org_billing_history_key_has_hash_check",
                condition=Q(idempotency_key__isnull=True)
                | (Q(body_hash__isnull=False) & ~Q(operation="")),
            ),
            models.CheckConstraint(
                name="org_billing_history_currency_check",
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
            ),
        )
        indexes = (
            models.Index(fields=("org", "-created_at", "-id"), name="org_billing_history_new"),
            models.Index(fields=("-created_at", "-id"), name="org_billing_history_newest"),
            models.Index(
                fields=("org", "event_type", "-created_at", "-id"),
                name="org_billing_history_type",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_type} {self.amount} {self.currency}"
