"""Backups of other releases: older ones are brought up to this one, newer ones are refused."""

from __future__ import annotations

from collections.abc import Callable

from django.db.migrations.loader import MigrationLoader

from orgbilling.backups import inside
from orgbilling.backups.errors import BackupError
from orgbilling.backups.folder import Backup


def refuse_newer(backup: Backup) -> None:
    """Refuse a backup with migrations that this release doesn't know.

    Raises:
        BackupError: naming them.
    """
    unknown = sorted(set(backup.manifest.migrations) - _known())
    if unknown:
        message = (
            f"{backup.path.name} was made by a newer release: {', '.join(unknown)} is not known here. "
            "Restore it with the release that made it."
        )
        raise BackupError(message)


def bring_up(backup: Backup, url: str, say: Callable[[str], object]) -> None:
    """Apply the migrations that the backup has not, to the database that it was restored into.

    Raises:
        BackupError: one failed.
    """
    behind = sorted(_known() - set(backup.manifest.migrations))
    if behind:
        inside.migrate(url)
        say(f"brought up to this release: {', '.join(behind)}")


def _known() -> set[str]:
    return {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
