"""The audit log: changes of who is who and of the catalogue, which no other history keeps."""

from typing import ClassVar

from django.db import models

from organizations.managers.audit import AuditLogManager
from organizations.models.organization import Organization
from organizations.models.user import User
from orgbilling.lib.ids import uuid7


class AuditLogEntry(models.Model):
    """One change, written in the transaction that made it; never updated, never deleted.

    Movements of credits and money have their own histories; `v_audit` shows all of them together.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
        help_text="Empty: it concerns no single organization.",
    )
    # No choices: a new kind of change is a new value, and no migration.
    action = models.CharField(max_length=48)
    subject_user = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
        help_text="The person it was done to.",
    )
    subject = models.CharField(
        max_length=255, blank=True, default="", help_text="What it was done to, in words."
    )
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")
    actor = models.CharField(max_length=64, help_text="Who did it: user:<id>, key:<id> or system.")
    request_id = models.CharField(max_length=255)
    created_at = models.DateTimeField()

    objects: ClassVar[AuditLogManager] = AuditLogManager()

    class Meta:
        """Table, and indexes for one organization's and for all of it."""

        db_table = "audit_log"
        ordering = ("-created_at", "-id")
        verbose_name = "audit log entry"
        verbose_name_plural = "audit log"
        constraints = (
            models.CheckConstraint(
                name="audit_log_action_check", condition=models.Q(action__regex="^[a-z_]+$")
            ),
            models.CheckConstraint(name="audit_log_actor_check", condition=~models.Q(actor="")),
        )
        indexes = (
            models.Index(fields=("org", "-created_at", "-id"), name="audit_log_org_newest_idx"),
            models.Index(fields=("-created_at", "-id"), name="audit_log_newest_idx"),
        )

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"
