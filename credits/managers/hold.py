"""Reads of holds; the SQL functions write them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models

from credits import functions

if TYPE_CHECKING:
    from credits.models import Hold


class HoldManager(models.Manager["Hold"]):
    """Reserved credits."""

    def find(self, hold_id: UUID) -> Hold | None:
        """The hold of any organization; None when there is none."""
        return self.filter(pk=hold_id).first()

    def owner(self, hold_id: UUID) -> functions.HoldOwner | None:
        """Whose a hold of any organization is; None when there is none."""
        return functions.owner_of_hold(hold_id)
