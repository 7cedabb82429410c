"""How far usage has been summed up, and going on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models

from credits import functions

if TYPE_CHECKING:
    from credits.models import Rollup


class RollupManager(models.Manager["Rollup"]):
    """Sums up usage; each call is one organization's, and a transaction of the caller's."""

    def of(self, org_id: UUID) -> Rollup | None:
        """The organization's; None before it was summed up first."""
        return self.filter(org_id=org_id).first()

    def behind(self, after: UUID | None, limit: int) -> list[UUID]:
        """Organizations with usage that could be summed up, by id; call again with the last one.

        Those whose usage is all too young are among them only when they were never summed up.
        """
        return functions.organizations_to_roll_up(after=after, limit=limit)

    def roll_up(self, org_id: UUID, rows: int) -> functions.RolledUp:
        """Sum up the organization's next rows, about so many.

        Raises:
            AmountOutOfRange: fewer than one row.
        """
        return functions.roll_up_usage(org_id=org_id, rows=rows)

    def forget(self, org_id: UUID) -> None:
        """Begin from nothing: from the same commit on, every figure is read from the rows."""
        functions.forget_usage_rollup(org_id=org_id)
