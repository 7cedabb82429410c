"""Times during which credits were low: from crossing a threshold downwards until it was crossed upwards."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from credits.choices import ShortageLevel
from credits.managers import EpisodeManager
from credits.models.allocation import Allocation
from organizations.models import Organization
from orgbilling.lib.ids import uuid7
from orgbilling.lib.ledger_key import LedgerForeignKey


class LowCreditEpisode(models.Model):
    """One crossing: people are told of it once, when it begins; while it is open the alert is not armed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    allocation = LedgerForeignKey(
        Allocation,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        help_text="Empty: the pool.",
    )
    level = models.CharField(max_length=16, choices=ShortageLevel)
    left_credits = models.BigIntegerField(help_text="When it was noticed.")
    whole_credits = models.BigIntegerField(help_text="What the percentage is of.")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = EpisodeManager()

    class Meta:
        db_table = "low_credit_episodes"
        verbose_name = "low-credit episode"
        ordering = ("-began_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=["org", "id"], name="episode_org_id_uniq"),
            models.UniqueConstraint(
                fields=["org", "allocation", "level"],
                condition=Q(ended_at__isnull=True),
                nulls_distinct=False,
                name="episode_one_open",
            ),
            models.CheckConstraint(
                condition=Q(level__in=ShortageLevel.values), name="episode_level_known"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("began_at")),
                name="episode_ends_later",
            ),
            models.CheckConstraint(
                condition=Q(left_credits__gte=0, whole_credits__gte=0),
                name="episode_credits_not_negative",
            ),
        )
        indexes = (
            # Across organizations: what the sweep asks for.
            models.Index(
                fields=["org"], condition=Q(ended_at__isnull=True), name="episode_open_idx"
            ),
            models.Index(fields=["ended_at"], name="episode_old_idx"),
        )

    def __str__(self) -> str:
        """What was left of what."""
        return f"{self.level}: {self.left_credits} of {self.whole_credits}"
