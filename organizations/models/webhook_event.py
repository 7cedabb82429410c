"""The outbox: what an organization's endpoints are told of."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Func, Q

from organizations.managers.webhook_events import WebhookEventManager
from organizations.models.organization import Organization
from orgbilling.lib.ids import uuid7

#: Bytes of an event's data, as PostgreSQL writes it; the body sent is at most 20 KB.
DATA_BYTES = 16_384


class WebhookEvent(models.Model):
    """Something that happened, written in the transaction that caused it; never updated.

    Its id is the `webhook-id` of every delivery of it. It is deleted with its last delivery, once that is old.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # No choices: a new type of event is a new value, and no migration.
    type = models.CharField(max_length=32)
    data = models.JSONField()
    created_at = models.DateTimeField()

    objects: ClassVar[WebhookEventManager] = WebhookEventManager()

    class Meta:
        """Table and constraints; every unique one begins with org_id."""

        db_table = "webhook_events"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("org", "id"), name="webhook_events_org_id_id_key"),
            models.CheckConstraint(
                name="webhook_events_type_check", condition=Q(type__regex=r"^[a-z]+\.[a-z_]+$")
            ),
            models.CheckConstraint(
                name="webhook_events_data_check",
                condition=Q(
                    Func(
                        F("data"),
                        template=f"(jsonb_typeof(%(expressions)s) = 'object'"
                        f" AND octet_length((%(expressions)s)::text) <= {DATA_BYTES})",
                        output_field=models.BooleanField(),
                    )
                ),
            ),
        )
        indexes = (
            models.Index(fields=("org", "-created_at", "-id"), name="webhook_events_new"),
            models.Index(fields=("org", "type", "-created_at", "-id"), name="webhook_events_type"),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"
