"""Whether the ledger was sound when it was proved last."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from billing.models import LedgerCheck
from orgbilling.lib.clock import now

#: Runs come daily; half a day after one was missed it is late.
LATE: Final = timedelta(hours=36)
#: What goes on longer was ended half-way.
LONGEST_RUN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """The last finished run of the proof, None before the first; and whether one goes on.

    `is_late`: there is none, or it is older than 36 hours.
    """

    last: LedgerCheck | None
    is_running: bool
    is_late: bool

    @property
    def is_sound(self) -> bool:
        """Whether every equation held, lately."""
        return self.last is not None and self.last.is_sound and not self.is_late


def ledger_health() -> LedgerHealth:
    """Return what the last run found. Two queries."""
    moment = now()
    last = LedgerCheck.objects.last_finished()
    return LedgerHealth(
        last=last,
        is_running=LedgerCheck.objects.is_running(since=moment - LONGEST_RUN),
        is_late=last is None or last.started_at < moment - LATE,
    )
