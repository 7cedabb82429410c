"""Stored answers: what makes a retried request harmless."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from credits.managers import AnswerManager
from organizations.models import Organization
from orgbilling.lib.ids import uuid7


class StoredAnswer(models.Model):
    """The first answer to an idempotency key, written in the transaction that it answers for.

    A deduction, hold, final capture or refund needs none: its row is its answer. Answers of success are kept; a
    refusal (402) frees its key at ``expires_at``.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    operation = models.CharField(max_length=32)
    key = models.CharField(max_length=255)
    body_hash = models.BinaryField()
    status = models.SmallIntegerField()
    body = models.TextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = AnswerManager()

    class Meta:
        db_table = "idempotency_answers"
        verbose_name = "stored answer"
        constraints = (
            models.UniqueConstraint(
                fields=["org", "operation", "key"], name="answer_org_operation_key_uniq"
            ),
            models.CheckConstraint(
                condition=Q(status__range=(200, 299)) | Q(status=402), name="answer_status_is_final"
            ),
        )
        indexes = (
            models.Index(
                fields=["expires_at"],
                name="answer_expiry_idx",
                condition=Q(expires_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        """Which key of which operation."""
        return f"{self.operation} {self.key}: {self.status}"
