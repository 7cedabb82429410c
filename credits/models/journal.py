"""The journal: every movement of credits other than by usage and holds."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from credits.choices import TRANSFERS, Bucket, JournalKind
from credits.managers import JournalManager
from credits.models.allocation import Allocation
from organizations.models import Organization
from orgbilling.lib.ids import uuid7
from orgbilling.lib.ledger_key import LedgerForeignKey


def _transfer_is_known() -> Q:
    known = Q()
    for kind, (source, target) in TRANSFERS.items():
        known |= Q(kind=kind, from_bucket=source, to_bucket=target)
    return known


class JournalEntry(models.Model):
    """One transfer from one bucket to another. Never updated, never deleted; a correction is a new row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    allocation = LedgerForeignKey(
        Allocation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=16, choices=JournalKind)
    from_bucket = models.CharField(max_length=16, choices=Bucket)
    to_bucket = models.CharField(max_length=16, choices=Bucket)
    credits = models.BigIntegerField()
    available_before = models.BigIntegerField()
    available_after = models.BigIntegerField()
    remaining_before = models.BigIntegerField(null=True, blank=True)
    remaining_after = models.BigIntegerField(null=True, blank=True)
    period_start = models.DateTimeField(
        null=True, blank=True, help_text="Of a reset or refresh: the period that it opens."
    )
    period_used_credits = models.BigIntegerField(
        null=True, blank=True, help_text="Of a reset: used in the period it closes."
    )
    shortfall_credits = models.BigIntegerField(
        null=True, blank=True, help_text="Of a reset: what the pool was too short to give."
    )
    notes = models.TextField(default="", blank=True)
    actor = models.CharField(
        max_length=64, help_text="Who moved them: user:<id>, key:<id> or system."
    )
    request_id = models.CharField(max_length=255)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - null: no key, outside the unique index
    body_hash = models.BinaryField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = JournalManager()

    class Meta:
        db_table = "credit_journal"
        base_manager_name = "objects"
        verbose_name = "journal entry"
        verbose_name_plural = "journal"
        constraints = (
            models.UniqueConstraint(fields=["org", "id"], name="journal_org_id_uniq"),
            models.UniqueConstraint(
                fields=["org", "kind", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="journal_org_key_uniq",
            ),
            models.UniqueConstraint(
                fields=["org", "allocation", "period_start"],
                condition=Q(kind=JournalKind.RESET),
                name="journal_one_reset_a_period",
            ),
            models.UniqueConstraint(
                fields=["org", "period_start"],
                condition=Q(kind=JournalKind.REFRESH),
                name="journal_one_refresh_a_period",
            ),
            models.CheckConstraint(condition=_transfer_is_known(), name="journal_transfer_known"),
            models.CheckConstraint(
                condition=Q(credits__gt=0) | Q(kind=JournalKind.RESET, credits=0),
                name="journal_credits_positive",
            ),
            models.CheckConstraint(
                condition=Q(
                    to_bucket=Bucket.AVAILABLE, available_after=F("available_before") + F("credits")
                )
                | Q(
                    from_bucket=Bucket.AVAILABLE,
                    available_after=F("available_before") - F("credits"),
                ),
                name="journal_available_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(
                    allocation__isnull=True,
                    remaining_before__isnull=True,
                    remaining_after__isnull=True,
                )
                | Q(
                    allocation__isnull=False,
                    remaining_before__isnull=False,
                    remaining_after__isnull=False,
                    to_bucket=Bucket.REMAINING,
                    remaining_after=F("remaining_before") + F("credits"),
                )
                | Q(
                    allocation__isnull=False,
                    remaining_before__isnull=False,
                    remaining_after__isnull=False,
                    from_bucket=Bucket.REMAINING,
                    remaining_after=F("remaining_before") - F("credits"),
                ),
                name="journal_remaining_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(available_before__gte=0, available_after__gte=0),
                name="journal_available_not_negative",
            ),
            models.CheckConstraint(
                condition=~Q(kind=JournalKind.RESET)
                | Q(
                    period_start__isnull=False,
                    period_used_credits__isnull=False,
                    period_used_credits__gte=0,
                ),
                name="journal_reset_has_period",
            ),
            models.CheckConstraint(
                condition=~Q(kind=JournalKind.REFRESH) | Q(period_start__isnull=False),
                name="journal_refresh_has_period",
            ),
            models.CheckConstraint(
                condition=Q(shortfall_credits__isnull=True)
                | Q(kind=JournalKind.RESET, shortfall_credits__gte=0),
                name="journal_shortfall_of_reset",
            ),
        )
        indexes = (
            models.Index(fields=["org", "-created_at", "-id"], name="journal_org_newest_idx"),
            models.Index(fields=["-created_at", "-id"], name="journal_newest_idx"),
            models.Index(
                fields=["org", "allocation", "-created_at"], name="journal_allocation_idx"
            ),
        )

    def __str__(self) -> str:
        """What moved where."""
        return f"{self.kind}: {self.credits} from {self.from_bucket} to {self.to_bucket}"
