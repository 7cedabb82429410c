"""``manage.py verify_ledger``: whether every equation of the ledger holds."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.verification import EVERY
from credits.verification import Check, Result, snapshot, verify
from orgbilling.lib.clock import database_now
from orgbilling.management.naming import add_organizations, organization_named


class Command(BaseCommand):
    """Verifies balances, history and holds in one snapshot; exits 1 when an equation is broken."""

    help = "Check every equation of the ledger, in one snapshot, for all organizations or some."

    def add_arguments(self, parser: CommandParser) -> None:
        """The organizations, and the form of the report."""
        add_organizations(parser)
        parser.add_argument(
            "--json", action="store_true", help="one JSON document instead of lines"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run every check and print what was found; progress goes to standard error.

        Raises:
            CommandError: status 1 with the number of violations; status 2 for an unknown organization.
        """
        began = time.monotonic()
        named = [organization_named(name) for name in options["organizations"]]
        org_ids = [organization.pk for organization in named] or None
        with snapshot():
            moment = database_now()
            results = self._run(org_ids, quiet=options["verbosity"] == 0)
        violations = [violation for result in results for violation in result.violations]
        seconds = time.monotonic() - began
        if options["json"]:
            report = {
                "ok": not violations,
                "as_of": moment.isoformat(),
                "organizations": None if org_ids is None else [str(one) for one in org_ids],
                "seconds": round(seconds, 3),
                "checks": [_rendered(result) for result in results],
                "violations": [asdict(one) | {"org_id": str(one.org_id)} for one in violations],
            }
            self.stdout.write(json.dumps(report))
        else:
            for violation in violations:
                self.stdout.write(self.style.ERROR(f"✗ {violation}"))
        if violations:
            broken = {violation.check for violation in violations}
            message = f"{len(broken)} of {len(results)} equations are broken."
            raise CommandError(message)
        if not options["json"]:
            says = f"All {len(results)} equations hold ({seconds:.1f} s)."
            self.stdout.write(self.style.SUCCESS(says))

    def _run(self, org_ids: Sequence[UUID] | None, *, quiet: bool) -> list[Result]:
        results: list[Result] = []

        def announce(check: Check) -> None:
            if not quiet:
                self.stderr.write(f"{len(results) + 1:>3}/{len(EVERY)} {check.name} ", ending="")
                self.stderr.flush()

        for result in verify(EVERY, org_ids=org_ids, before=announce):
            results.append(result)
            if not quiet:
                verdict = f"{len(result.violations)} broken" if result.violations else "ok"
                self.stderr.write(f"{verdict} {result.seconds:.2f} s")
        return results


def _rendered(result: Result) -> dict[str, Any]:
    return {
        "name": result.check.name,
        "says": result.check.says,
        "organizations_broken": len(result.violations),
        "rows_broken": sum(violation.rows for violation in result.violations),
        "seconds": round(result.seconds, 3),
    }
