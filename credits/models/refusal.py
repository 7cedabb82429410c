"""Refusals: who was refused what, counted by day, so that an admin can see it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import models
from django.db.models import Q

from credits.managers import RefusalManager
from organizations.models import Organization
from orgbilling.lib.ids import uuid7

#: Stands for everybody once an organization has as many different refusals in a day as are kept apart.
OTHERS: Final = UUID(int=0)
OTHER_SERVICES: Final = "*"


class Refusal(models.Model):
    """How often one person was refused one service for one reason on one day (UTC), and the last time.

    A row is counted up, not added, so that a client which retries a refused charge all day costs one row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    day = models.DateField()
    # No foreign key: who is refused may be nobody that the service knows.
    user_id = models.UUIDField()
    service_name = models.CharField(max_length=100, blank=True)
    code = models.CharField(max_length=64)
    refused_by = models.CharField(max_length=32)
    count = models.BigIntegerField()
    requested_credits = models.BigIntegerField(null=True, blank=True)
    remaining_credits = models.BigIntegerField(null=True, blank=True)
    request_id = models.CharField(max_length=255)
    actor = models.CharField(max_length=64)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects = RefusalManager()

    class Meta:
        db_table = "credit_refusals"
        constraints = (
            models.UniqueConstraint(fields=["org", "id"], name="refusal_org_id_uniq"),
            models.UniqueConstraint(
                fields=["org", "day", "user_id", "code", "service_name"], name="refusal_once_a_day"
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="refusal_counted"),
        )
        indexes = (
            models.Index(fields=["org", "-last_at", "-id"], name="refusal_org_newest_idx"),
            models.Index(fields=["day"], name="refusal_day_idx"),
        )

    def __str__(self) -> str:
        """Who, why and how often."""
        return f"{self.user_id}: {self.code} ({self.count})"
