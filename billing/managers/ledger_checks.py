"""Beginning and ending runs of the ledger's proof."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import models

from orgbilling.lib.clock import now

if TYPE_CHECKING:
    from billing.models.ledger_check import LedgerCheck

#: How many runs are kept: more than a year of daily ones.
KEPT: Final = 400


class LedgerCheckManager(models.Manager["LedgerCheck"]):
    """The only door to the runs."""

    def begin(self, *, asked_by: str) -> "LedgerCheck":
        """Note that a run begins; what never ends stays without an end."""
        return self.create(asked_by=asked_by, started_at=now())

    def finish(
        self,
        run: "LedgerCheck",
        *,
        as_of: datetime,
        checked: int,
        violations: int,
        details: Sequence[dict[str, Any]],
    ) -> "LedgerCheck":
        """Note what a run found, and forget all runs but the last 400."""
        run.finished_at = now()
        run.as_of, run.checked, run.violations = as_of, checked, violations
        run.milliseconds = round((run.finished_at - run.started_at).total_seconds() * 1000)
        run.details = list(details)
        run.save(force_update=True)
        newest = self.order_by("-started_at", "-id").values("pk")[:KEPT]
        self.exclude(pk__in=list(newest.values_list("pk", flat=True))).delete()
        return run

    def last_finished(self) -> "LedgerCheck | None":
        """The newest run that came to its end; None before the first."""
        return self.filter(finished_at__isnull=False).order_by("-started_at", "-id").first()

    def is_running(self, *, since: datetime) -> bool:
        """Whether a run began after `since` and hasn't ended."""
        return self.filter(finished_at__isnull=True, started_at__gte=since).exists()
