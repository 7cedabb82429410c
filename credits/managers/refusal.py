"""Refusals: counted, listed, forgotten after a while."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import QuerySet

if TYPE_CHECKING:
    from credits.models import Refusal


class RefusalManager(models.Manager["Refusal"]):
    """Who was refused what."""

    def of(self, org_id: UUID) -> QuerySet[Refusal]:
        """One organization's, the last refused first."""
        return self.filter(org_id=org_id).order_by("-last_at", "-id")
