"""Reads of the price catalogue, and the one way to change a price: a new version."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery

if TYPE_CHECKING:
    from credits.models import Price


class PriceManager(models.Manager["Price"]):
    """The versions of prices."""

    def current(self, at: datetime) -> QuerySet[Price]:
        """The version of each service's price that holds at ``at``, by service name."""
        newest = (
            self.get_queryset()
            .filter(service=OuterRef("service"), effective_from__lte=at)
            .order_by("-effective_from")
            .values("pk")[:1]
        )
        return self.select_related("service").filter(pk=Subquery(newest)).order_by("service_id")
