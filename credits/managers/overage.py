"""Reads of closed overage periods; the SQL functions write them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import QuerySet

if TYPE_CHECKING:
    from credits.models import OveragePeriod


class OveragePeriodManager(models.Manager["OveragePeriod"]):
    """What was drawn over the pool."""

    def of(self, org_id: UUID) -> QuerySet[OveragePeriod]:
        """One organization's, oldest first."""
        return self.filter(org_id=org_id).order_by("period_end", "id")
