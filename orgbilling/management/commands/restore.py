"""``manage.py restore``: a backup in the place of the database, whose former state stays beside it."""

from __future__ import annotations

from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser

from orgbilling.backups.errors import BackupError
from orgbilling.backups.reconciling import differences
from orgbilling.backups.restoring import Options, restore


class Command(BaseCommand):
    """Restores, proves, swaps; exits 1 when the database is as it was."""

    help = "Put a backup in the place of the database; the former one is kept under another name."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which backup, and what is meant although it loses something."""
        parser.add_argument("file", metavar="FILE", help="a dump's path, or its name in BACKUP_DIR")
        parser.add_argument(
            "--force",
            action="store_true",
            help="also over a ledger that is newer than the backup, or another one",
        )
        parser.add_argument(
            "--disconnect",
            action="store_true",
            help="end the connections of others when it comes to the swap",
        )
        parser.add_argument(
            "--no-privileges",
            action="store_true",
            help="leave out what other roles were granted; for a server that lacks these roles",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print each step, and at the end what the former database had that this one has not.

        Raises:
            CommandError: refused or failed; nothing was changed.
        """
        chosen = Options(
            force=options["force"],
            disconnect=options["disconnect"],
            privileges=not options["no_privileges"],
        )
        try:
            done = restore(options["file"], chosen, self.stdout.write)
            self.stdout.write(self.style.SUCCESS(f"Restored in {done.seconds:.1f} s."))
            if done.before is not None:
                self.stdout.write(
                    f"The former database is {done.before}: drop it when all is well."
                )
                try:
                    for line in differences(done.before):
                        self.stdout.write(line)
                except (BackupError, psycopg.Error) as exc:
                    self.stderr.write(f"What it had besides can't be read: {exc}")
        except BackupError as exc:
            raise CommandError(str(exc)) from exc
