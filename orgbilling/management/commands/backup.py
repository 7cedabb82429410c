"""``manage.py backup``: a dump of the whole database, checked before it counts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgbilling.backups.dumping import back_up
from orgbilling.backups.errors import BackupError


class Command(BaseCommand):
    """Writes to BACKUP_DIR and deletes what is outlived there; exits 1 when there is no new backup."""

    help = "Back the database up to BACKUP_DIR, and delete the backups that are outlived."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print where it is.

        Raises:
            CommandError: it could not be made.
        """
        try:
            back_up(self.stdout.write)
        except BackupError as exc:
            raise CommandError(str(exc)) from exc
