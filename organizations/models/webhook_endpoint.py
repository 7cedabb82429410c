"""Where an organization wants to be told of what happens to it."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from organizations.choices import DisabledReason, EndpointStatus
from organizations.event_types import EVERYTHING, SUBSCRIBABLE
from organizations.managers.webhook_endpoints import WebhookEndpointManager
from organizations.models.organization import Organization
from organizations.models.user import User
from orgbilling.lib.ids import uuid7

#: Characters of an endpoint's address, and of what it is called.
URL_LENGTH = 1_000
DESCRIPTION_LENGTH = 200


class WebhookEndpoint(models.Model):
    """An address, what it is told of, and the secret that signs it.

    Secrets are kept encrypted; the former one signs too until its time is over. `consecutive_failures` counts
    attempts since the last that succeeded, over all deliveries. A deleted endpoint has no secret any more.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="webhook_endpoints", db_index=False
    )
    url = models.CharField("address", max_length=URL_LENGTH)
    description = models.CharField(max_length=DESCRIPTION_LENGTH, blank=True, default="")
    events = ArrayField(models.CharField(max_length=32))
    status = models.CharField(max_length=16, choices=EndpointStatus, default=EndpointStatus.ENABLED)
    disabled_reason = models.CharField(
        max_length=16, choices=DisabledReason, blank=True, default=""
    )
    disabled_at = models.DateTimeField(null=True, blank=True)
    secret = models.TextField("encrypted secret", blank=True, editable=False)
    previous_secret = models.TextField(
        "encrypted former secret", blank=True, default="", editable=False
    )
    previous_secret_until = models.DateTimeField(null=True, blank=True)
    consecutive_failures = models.IntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    resting_until = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects: ClassVar[WebhookEndpointManager] = WebhookEndpointManager()

    class Meta:
        """Table and constraints; every unique one begins with org_id."""

        db_table = "webhook_endpoints"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("org", "id"), name="webhook_endpoints_org_id_id_key"),
            models.CheckConstraint(
                name="webhook_endpoints_url_check", condition=Q(url__regex=r"^https?://[^\s]+$")
            ),
            models.CheckConstraint(
                name="webhook_endpoints_events_check",
                condition=Q(events__len__gte=1)
                & Q(events__contained_by=[EVERYTHING, *SUBSCRIBABLE]),
            ),
            models.CheckConstraint(
                name="webhook_endpoints_status_check",
                condition=Q(
                    status=EndpointStatus.ENABLED, disabled_reason="", disabled_at__isnull=True
                )
                | Q(
                    status=EndpointStatus.DISABLED,
                    disabled_reason__in=DisabledReason.values,
                    disabled_at__isnull=False,
                )
                | Q(status=EndpointStatus.DELETED, secret="", previous_secret=""),
            ),
            models.CheckConstraint(
                name="webhook_endpoints_secret_check",
                condition=Q(status=EndpointStatus.DELETED) | ~Q(secret=""),
            ),
            models.CheckConstraint(
                name="webhook_endpoints_previous_check",
                condition=Q(previous_secret="", previous_secret_until__isnull=True)
                | (~Q(previous_secret="") & Q(previous_secret_until__isnull=False)),
            ),
            models.CheckConstraint(
                name="webhook_endpoints_failures_check",
                condition=Q(consecutive_failures=0, failing_since__isnull=True)
                | Q(consecutive_failures__gte=1, failing_since__isnull=False),
            ),
        )
        indexes = (
            models.Index(fields=("org", "-created_at", "-id"), name="webhook_endpoints_new"),
        )

    def __str__(self) -> str:
        return self.description or self.url

    @property
    def is_enabled(self) -> bool:
        """Whether it is told of anything."""
        return self.status == EndpointStatus.ENABLED

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt failed."""
        return self.consecutive_failures > 0
