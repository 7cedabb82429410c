"""Overage of closed periods: what is to be billed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from credits.managers import OveragePeriodManager
from organizations.models import Organization
from orgbilling.lib.ids import uuid7


class OveragePeriod(models.Model):
    """The credits that an organization drew over its pool in one period, and their price; never changed.

    It is written in the moment that restarts the period's counter, by a charge or by a job, whichever comes first.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField()
    credits = models.BigIntegerField()
    rate = models.DecimalField(max_digits=12, decimal_places=2, help_text="Price of one.")
    created_at = models.DateTimeField()

    objects = OveragePeriodManager()

    class Meta:
        db_table = "overage_periods"
        constraints = (
            models.UniqueConstraint(fields=["org", "id"], name="overage_org_id_uniq"),
            models.UniqueConstraint(fields=["org", "period_end"], name="overage_once_a_period"),
            models.CheckConstraint(
                condition=Q(credits__gt=0, rate__gte=0), name="overage_positive"
            ),
            models.CheckConstraint(
                condition=Q(period_start__isnull=True) | Q(period_end__gt=F("period_start")),
                name="overage_period_ends_later",
            ),
        )

    def __str__(self) -> str:
        """How much until when."""
        return f"{self.credits} until {self.period_end:%Y-%m-%d}"
