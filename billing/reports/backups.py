"""Whether there is a good backup, lately made and lately proved."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from billing.choices import BackupKind
from billing.models import BackupRun
from orgbilling.lib.clock import now

#: Backups come daily; half a day after one was missed it is late.
BACKUP_LATE: Final = timedelta(hours=36)
#: Drills come weekly.
DRILL_LATE: Final = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class BackupHealth:
    """The last backup and the last drill that succeeded, None before the first.

    `backup_is_late`, `drill_is_late`: there is one, and it is older than 36 hours, or 8 days. `failed`: the
    newest run of either kind, if it failed.
    """

    backup: BackupRun | None
    drill: BackupRun | None
    backup_is_late: bool
    drill_is_late: bool
    failed: BackupRun | None


def backup_health() -> BackupHealth:
    """Return what is known. Four queries."""
    backup = BackupRun.objects.last_succeeded(BackupKind.BACKUP)
    drill = BackupRun.objects.last_succeeded(BackupKind.RESTORE_DRILL)
    ended = [
        BackupRun.objects.last_finished(kind)
        for kind in (BackupKind.BACKUP, BackupKind.RESTORE_DRILL)
    ]
    failed = [run for run in ended if run is not None and run.has_failed]
    moment = now()
    return BackupHealth(
        backup=backup,
        drill=drill,
        backup_is_late=backup is not None and backup.started_at < moment - BACKUP_LATE,
        drill_is_late=drill is not None and drill.started_at < moment - DRILL_LATE,
        failed=failed[0] if failed else None,
    )
