"""Beginning and ending runs of backups, restores and drills."""

from typing import TYPE_CHECKING, Any, Final

from django.db import models

from billing.choices import BackupKind, BackupOutcome
from orgbilling.lib.clock import now

if TYPE_CHECKING:
    from billing.models.backup_run import BackupRun

#: How many runs of each kind are kept: more than a year of daily ones.
KEPT: Final = 400


class BackupRunManager(models.Manager["BackupRun"]):
    """The only door to the runs."""

    def begin(self, kind: BackupKind, *, file_name: str = "") -> "BackupRun":
        """Note that a run begins; one that is killed stays `running`."""
        return self.create(kind=kind, file_name=file_name, started_at=now())

    def succeed(self, run: "BackupRun", *, detail: str = "", **found: Any) -> "BackupRun":
        """Note that it succeeded.

        Args:
            found: `file_name`, `bytes`, `sha256` and `ledger_position` of the file, as far as known.
        """
        return self._finish(run, BackupOutcome.SUCCEEDED, detail, found)

    def fail(self, run: "BackupRun", *, detail: str, **found: Any) -> "BackupRun":
        """Note that it failed, and why."""
        return self._finish(run, BackupOutcome.FAILED, detail, found)

    def last_finished(self, kind: BackupKind) -> "BackupRun | None":
        """The newest run of a kind that came to its end, well or not; None before the first."""
        return self.filter(kind=kind).exclude(outcome=BackupOutcome.RUNNING).first()

    def last_succeeded(self, kind: BackupKind) -> "BackupRun | None":
        """The newest run of a kind that succeeded; None before the first."""
        return self.filter(kind=kind, outcome=BackupOutcome.SUCCEEDED).first()

    def _finish(
        self, run: "BackupRun", outcome: BackupOutcome, detail: str, found: dict[str, Any]
    ) -> "BackupRun":
        for name, value in found.items():
            setattr(run, name, value)
        # A clock that was set back must not make an end before its beginning.
        run.finished_at = max(now(), run.started_at)
        run.milliseconds = round((run.finished_at - run.started_at).total_seconds() * 1000)
        run.outcome, run.detail = outcome, detail
        run.save(force_update=True)
        newest = self.filter(kind=run.kind).values_list("pk", flat=True)[:KEPT]
        self.filter(kind=run.kind).exclude(pk__in=list(newest)).delete()
        return run
