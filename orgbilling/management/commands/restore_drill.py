"""``manage.py restore_drill``: proves that a backup can be restored, beside the service."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orgbilling.backups.drilling import drill
from orgbilling.backups.errors import BackupError


class Command(BaseCommand):
    """Restores into a scratch database, proves it and drops it; exits 1 when it is not sound."""

    help = "Restore the newest backup into a scratch database, prove it, and drop it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which backup, and where."""
        parser.add_argument(
            "file",
            metavar="FILE",
            nargs="?",
            help="a dump's path, or its name in BACKUP_DIR; the newest when left out",
        )
        parser.add_argument(
            "--apart",
            action="store_true",
            help="on a PostgreSQL of its own that is thrown away, not on the service's server",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print each step.

        Raises:
            CommandError: it can't be restored, or is not sound.
        """
        try:
            run = drill(options["file"], apart=options["apart"], say=self.stdout.write)
        except BackupError as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(
            self.style.SUCCESS(f"{run.file_name} can be restored ({run.seconds:.1f} s).")
        )
