"""``manage.py check_schema``: whether everything that guards the ledger is in place."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orgbilling.roles.names import APPLICATION
from orgbilling.schema_check import findings


class Command(BaseCommand):
    """Verifies the database against the models and the migrations' SQL files; exits 1 when something is amiss."""

    help = "Verify that tables, functions, views, constraints, indexes, triggers and locking are in place."

    def add_arguments(self, parser: CommandParser) -> None:
        """``--json`` and ``--app-role``."""
        parser.add_argument(
            "--json", action="store_true", help="one JSON document instead of lines"
        )
        parser.add_argument(
            "--app-role", default=APPLICATION, help="who serves, where create_roles has been run"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print every finding.

        Raises:
            CommandError: naming how many are wrong.
        """
        found = list(findings(options["app_role"]))
        wrong = [finding for finding in found if finding.wrong]
        if options["json"]:
            self.stdout.write(
                json.dumps({"ok": not wrong, "findings": [asdict(one) for one in found]})
            )
        else:
            for finding in found:
                mark = self.style.ERROR("✗") if finding.wrong else self.style.SUCCESS("✓")
                says = f": {finding.wrong}" if finding.wrong else ""
                self.stdout.write(f"{mark} {finding.kind:<17} {finding.name}{says}")
        if wrong:
            names = ", ".join(
                f"{finding.kind} {finding.name} ({finding.wrong})" for finding in wrong
            )
            message = f"{len(wrong)} of {len(found)} not in place: {names}"
            raise CommandError(message)
        if not options["json"]:
            self.stdout.write(self.style.SUCCESS(f"All {len(found)} in place."))
