"""``manage.py distribute``: the ledger on many machines, with Citus."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from orgbilling.distribution.distributing import SHARDS, distribute
from orgbilling.distribution.errors import CannotDistribute
from orgbilling.distribution.proving import findings

MOST_SHARDS = 4096


class Command(BaseCommand):
    """Distributes an empty or a filled database by organization; run again, it does what is left. Then it checks."""

    help = "Distribute the ledger by organization over the workers of a Citus cluster."

    def add_arguments(self, parser: CommandParser) -> None:
        """``--shards`` and ``--check``."""
        parser.add_argument(
            "--shards",
            type=int,
            default=SHARDS,
            help=f"into how many parts the ledger is cut, the first time: 1 to {MOST_SHARDS} ({SHARDS})",
        )
        parser.add_argument("--check", action="store_true", help="look only; change nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Distribute unless only a look was asked for, then check.

        Raises:
            CommandError: what is in the way, and then nothing was changed; or what the check found.
        """
        if not 1 <= options["shards"] <= MOST_SHARDS:
            message = f"--shards is a number from 1 to {MOST_SHARDS}."
            raise CommandError(message)
        try:
            if not options["check"]:
                self._distribute(options["shards"])
            self._check()
        except CannotDistribute as exc:
            raise CommandError(str(exc)) from exc

    def _distribute(self, shards: int) -> None:
        done = distribute(connection, shards=shards, say=self.stdout.write)
        self.stdout.write(f"Moved {done.tables} tables and {done.functions} functions.")

    def _check(self) -> None:
        found = list(findings(connection))
        wrong = [finding for finding in found if finding.wrong]
        for finding in found:
            mark = self.style.ERROR("✗") if finding.wrong else self.style.SUCCESS("✓")
            says = f": {finding.wrong}" if finding.wrong else ""
            self.stdout.write(f"{mark} {finding.kind:<8} {finding.name}{says}")
        if wrong:
            message = f"{len(wrong)} of {len(found)} are not as they should be."
            raise CommandError(message)
        self.stdout.write(self.style.SUCCESS(f"All {len(found)} are as they should be."))
