"""``manage.py import_opscenter``: brings in what Ops-Center kept, with its faults mended and reported."""

from __future__ import annotations

import re
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from orgbilling.importing import report
from orgbilling.importing.dump import restored
from orgbilling.importing.errors import ImportRefusedError
from orgbilling.importing.people import read_file
from orgbilling.importing.running import Options, Outcome, require_owner, run
from orgbilling.importing.source import Source, opened

_SOURCE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


def _source(text: str) -> str:
    """The name as it can be part of a placeholder's domain."""
    if text and not _SOURCE.fullmatch(text):
        message = "a name has 1 to 32 small letters, digits and hyphens, such as east"
        raise ArgumentTypeError(message)
    return text


class Command(BaseCommand):
    """Reads, mends, proves; changes something only with --apply. Exits 1 when it refuses."""

    help = "Import organizations, people, credits, usage, subscriptions and history from Ops-Center; dry run first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from, what, and whether it counts."""
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument(
            "--from",
            dest="url",
            metavar="URL",
            help="the database: postgresql://reader@host/unicorn_db",
        )
        where.add_argument(
            "--dump",
            metavar="FILE",
            help="a dump of it: plain SQL (also .gz), or pg_dump's other formats",
        )
        parser.add_argument(
            "--schema", default="public", help="the schema of the tables (default: %(default)s)"
        )
        parser.add_argument(
            "--users", metavar="FILE", help="people's addresses: Keycloak's export (.json), or CSV"
        )
        parser.add_argument(
            "--issuer",
            default=settings.OIDC_ISSUER,
            help="the identity provider whose subjects the user ids are (default: OIDC_ISSUER)",
        )
        parser.add_argument(
            "--source",
            type=_source,
            default="",
            metavar="NAME",
            help="where several Ops-Centers are imported: which this is, so that equal ids of two stay apart",
        )
        parser.add_argument(
            "--organization",
            action="append",
            default=[],
            metavar="ID",
            help="only this one; repeatable",
        )
        parser.add_argument(
            "--leave-out",
            action="append",
            default=[],
            metavar="TABLE.COLUMN",
            help="an unknown column that means neither credits nor money; repeatable",
        )
        parser.add_argument(
            "--unattributed",
            choices=("refund", "charge"),
            default="refund",
            help="use that counters tell of and no charge does (default: %(default)s)",
        )
        parser.add_argument("--report", metavar="FILE", help="every mend, as JSON")
        parser.add_argument(
            "--apply", action="store_true", help="import; without it nothing is changed"
        )
        parser.add_argument("--yes", action="store_true", help="don't ask before applying")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import or try to, and print the report; progress goes to standard error.

        Raises:
            CommandError: status 1 with the reason; nothing was changed.
        """
        if options["apply"] and not options["yes"]:
            self._confirm()
        began = time.monotonic()

        def say(text: str) -> None:
            if options["verbosity"]:
                self.stderr.write(f"{time.monotonic() - began:7.1f} s  {text}")

        try:
            require_owner()
            with self._source(options, say) as source:
                outcome = run(source, self._options(options), say)
        except ImportRefusedError as exc:
            raise CommandError(str(exc)) from exc
        self._print(outcome, options)

    @contextmanager
    def _source(self, options: dict[str, Any], say: Any) -> Iterator[Source]:
        if options["dump"] is None:
            with opened(options["url"], options["schema"]) as source:
                yield source
            return
        with (
            restored(Path(options["dump"]), options["schema"], say) as url,
            opened(url, options["schema"]) as source,
        ):
            yield source

    @staticmethod
    def _options(options: dict[str, Any]) -> Options:
        file = options["users"]
        return Options(
            users=tuple(read_file(Path(file))) if file else (),
            issuer=options["issuer"],
            only=frozenset(options["organization"]),
            left_out=frozenset(options["leave_out"]),
            give_back=options["unattributed"] == "refund",
            apply=options["apply"],
            source=options["source"],
        )

    def _print(self, outcome: Outcome, options: dict[str, Any]) -> None:
        for line in report.lines(outcome, applied=options["apply"]):
            self.stdout.write(line)
        if options["report"]:
            try:
                report.write(outcome, Path(options["report"]), applied=options["apply"])
            except OSError as exc:
                said = "The import was made, but its" if options["apply"] else "The"
                message = f"{said} report can't be written: {exc}"
                raise CommandError(message) from exc

    def _confirm(self) -> None:
        if not sys.stdin.isatty():
            message = "--apply asks before it imports; where nobody can answer, say --yes."
            raise CommandError(message)
        name = settings.DATABASES["default"]["NAME"]
        answer = input(f"Import into {name}? Its dry run should have been read. Type yes: ")
        if answer.strip().lower() != "yes":
            message = "Nothing was changed."
            raise CommandError(message)
