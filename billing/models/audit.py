"""The audit as a model that can only be read: who did what to which balance, money, person or price."""

from django.db import models

from credits.models.reports import View


class AuditEntry(View):
    """One row a journal entry, refund, billing event or audit log entry."""

    id = models.UUIDField(primary_key=True)
    org_id = models.UUIDField(null=True)
    org_name = models.TextField(null=True)  # noqa: DJ001 - null: it concerns no single organization
    created_at = models.DateTimeField("when")
    actor = models.TextField()
    actor_name = models.TextField(null=True)  # noqa: DJ001 - null: the system, or nobody known
    source = models.TextField()
    action = models.TextField()
    subject_user_id = models.UUIDField(null=True)
    subject_email = models.TextField(null=True)  # noqa: DJ001 - null: no person
    subject = models.TextField()
    credits = models.BigIntegerField(null=True)
    available_before = models.BigIntegerField(null=True)
    available_after = models.BigIntegerField(null=True)
    remaining_before = models.BigIntegerField(null=True)
    remaining_after = models.BigIntegerField(null=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.TextField()
    request_id = models.TextField()

    class Meta(View.Meta):
        """The view."""

        db_table = "v_audit"
        ordering = ("-created_at", "-id")
        verbose_name = "audit entry"
        verbose_name_plural = "audit"

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"
