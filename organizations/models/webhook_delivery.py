"""An event on its way to one endpoint, and each attempt to bring it there."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from organizations.choices import DeliveryStatus
from organizations.managers.webhook_deliveries import WebhookDeliveryManager
from organizations.models.organization import Organization
from organizations.models.webhook_endpoint import WebhookEndpoint
from organizations.models.webhook_event import WebhookEvent
from orgbilling.lib.ids import uuid7
from orgbilling.lib.ledger_key import LedgerForeignKey

#: Characters that are kept of what went wrong, and of an answer's body.
ERROR_LENGTH = 500
EXCERPT_LENGTH = 1_024


class WebhookDelivery(models.Model):
    """One event for one endpoint.

    `attempts` counts all of them, `step` those since the schedule began, which a replay begins again.
    `claimed_until`: a worker is at it until then; after that it was killed, and another one takes it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    event = LedgerForeignKey(
        WebhookEvent,
        on_delete=models.PROTECT,
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
    )
    endpoint = LedgerForeignKey(
        WebhookEndpoint,
        on_delete=models.PROTECT,
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
    )
    status = models.CharField(max_length=16, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempts = models.IntegerField(default=0)
    step = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_status = models.SmallIntegerField("status of the last answer", null=True, blank=True)
    last_error = models.CharField(max_length=ERROR_LENGTH, blank=True, default="")
    created_at = models.DateTimeField()

    objects: ClassVar[WebhookDeliveryManager] = WebhookDeliveryManager()

    class Meta:
        """Table and constraints; SQL makes the keys to event and endpoint, with org_id in them."""

        db_table = "webhook_deliveries"
        verbose_name_plural = "webhook deliveries"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("org", "id"), name="webhook_deliveries_org_id_id_key"),
            models.UniqueConstraint(
                fields=("org", "event", "endpoint"), name="webhook_deliveries_once_key"
            ),
            models.CheckConstraint(
                name="webhook_deliveries_status_check",
                condition=Q(
                    status=DeliveryStatus.PENDING,
                    next_attempt_at__isnull=False,
                    delivered_at__isnull=True,
                )
                | Q(
                    status=DeliveryStatus.DELIVERED,
                    next_attempt_at__isnull=True,
                    claimed_until__isnull=True,
                    delivered_at__isnull=False,
                )
                | Q(
                    status__in=[DeliveryStatus.FAILED, DeliveryStatus.DISCARDED],
                    next_attempt_at__isnull=True,
                    claimed_until__isnull=True,
                    delivered_at__isnull=True,
                ),
            ),
            models.CheckConstraint(
                name="webhook_deliveries_attempts_check",
                condition=Q(step__gte=0, attempts__gte=F("step")),
            ),
        )
        indexes = (
            # Across organizations: whether anything is to be done at all.
            models.Index(
                fields=("next_attempt_at",),
                condition=Q(status=DeliveryStatus.PENDING),
                name="webhook_deliveries_due",
            ),
            models.Index(
                fields=("org", "endpoint", "next_attempt_at"),
                condition=Q(status=DeliveryStatus.PENDING),
                name="webhook_deliveries_waiting",
            ),
            models.Index(
                fields=("org", "endpoint", "-created_at", "-id"), name="webhook_deliveries_new"
            ),
            models.Index(
                fields=("delivered_at",),
                condition=Q(status=DeliveryStatus.DELIVERED),
                name="webhook_deliveries_old",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id}: {self.status}"


class WebhookAttempt(models.Model):
    """One request, and what came of it; never updated. `response`: the beginning of the answer's body."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    delivery = LedgerForeignKey(
        WebhookDelivery,
        on_delete=models.PROTECT,
        related_name="attempt_rows",
        db_constraint=False,
        db_index=False,
    )
    number = models.IntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    status_code = models.SmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=ERROR_LENGTH, blank=True, default="")
    response = models.CharField(max_length=EXCERPT_LENGTH, blank=True, default="")

    class Meta:
        """Table and constraints; SQL makes the key to the delivery, with org_id in it."""

        db_table = "webhook_attempts"
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(
                fields=("org", "delivery", "number"), name="webhook_attempts_once_key"
            ),
            models.CheckConstraint(
                name="webhook_attempts_number_check", condition=Q(number__gte=1)
            ),
            models.CheckConstraint(
                name="webhook_attempts_ended_check", condition=Q(ended_at__gte=F("started_at"))
            ),
            models.CheckConstraint(
                name="webhook_attempts_outcome_check",
                condition=Q(status_code__isnull=False) | ~Q(error=""),
            ),
        )

    def __str__(self) -> str:
        return f"{self.number}: {self.status_code or self.error}"
