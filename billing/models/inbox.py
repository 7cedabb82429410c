"""What payment providers tell us of, as it came."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from billing.choices import InboxStatus, ProviderName
from billing.managers.inbox import WebhookEventManager
from orgbilling.lib.ids import uuid7


class WebhookEvent(models.Model):
    """One event, stored once however often it is delivered, and only when its signature is right.

    It belongs to no organization: whom it is about is known only after the provider has been asked, and
    what it moves is written in that organization's own rows. No ledger table refers to it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(max_length=16, choices=ProviderName)
    event_id = models.CharField(max_length=255, help_text="The provider's id, such as evt_….")
    event_type = models.CharField(max_length=255)
    body = models.BinaryField(help_text="The request's body, as it came.")
    status = models.CharField(max_length=16, choices=InboxStatus, default=InboxStatus.RECEIVED)
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[WebhookEventManager] = WebhookEventManager()

    class Meta:
        """Table and constraints."""

        db_table = "payment_webhook_events"
        verbose_name = "webhook event"
        ordering = ("-received_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "event_id"), name="payment_webhook_events_event_key"
            ),
            models.CheckConstraint(
                name="payment_webhook_events_provider_check",
                condition=Q(provider__in=ProviderName.values),
            ),
            models.CheckConstraint(
                name="payment_webhook_events_status_check",
                condition=Q(status=InboxStatus.RECEIVED, processed_at__isnull=True)
                | Q(
                    status__in=[
                        InboxStatus.PROCESSED,
                        InboxStatus.IGNORED,
                        InboxStatus.FAILED,
                    ],
                    processed_at__isnull=False,
                ),
            ),
        )
        indexes = (
            models.Index(
                fields=("received_at",),
                condition=Q(status=InboxStatus.RECEIVED),
                name="payment_webhook_events_waiting",
            ),
            models.Index(fields=("processed_at",), name="payment_webhook_events_old"),
        )

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}, {self.status}"
