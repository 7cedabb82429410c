"""Reads of the journal; its rows are written by the SQL functions."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import QuerySet

if TYPE_CHECKING:
    from credits.models import JournalEntry


class JournalManager(models.Manager["JournalEntry"]):
    """The movements of credits."""

    def of(self, org_id: UUID) -> QuerySet[JournalEntry]:
        """One organization's, newest first."""
        return self.filter(org_id=org_id).order_by("-created_at", "-id")
