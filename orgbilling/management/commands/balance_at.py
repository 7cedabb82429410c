"""``manage.py balance_at``: what an organization's balances were at a past instant."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.dateparse import parse_datetime

from credits.history import AllocationBalances, allocations_at, pool_at
from orgbilling.lib.errors import OrgBillingError
from orgbilling.management.naming import id_of, organization_named


class Command(BaseCommand):
    """Derives balances from journal, usage and holds; exits 2 when asked about what can't be answered."""

    help = "Say what the balances of an organization, and of its members, were at a past instant."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, when, and in which form."""
        parser.add_argument("organization", metavar="ORG", help="the organization's id or name")
        parser.add_argument(
            "--at",
            required=True,
            metavar="INSTANT",
            help="RFC 3339, with its offset: 2026-01-31T12:00:00Z",
        )
        parser.add_argument("--user", metavar="ID", help="this member's allocation only")
        parser.add_argument(
            "--json", action="store_true", help="one JSON document instead of lines"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the balances.

        Raises:
            CommandError: status 2 for an instant, an organization or a user that there isn't.
        """
        moment = _instant(options["at"])
        organization = organization_named(options["organization"])
        try:
            with transaction.atomic():
                pool = pool_at(organization.pk, moment)
                allocations = allocations_at(organization.pk, moment)
        except OrgBillingError as exc:
            message = (
                " ".join(error["detail"] for error in exc.extra.get("errors", ())) or exc.detail
            )
            raise CommandError(message, returncode=2) from exc
        if options["user"] is not None:
            allocations = _of(options["user"], allocations)
        if options["json"]:
            report = {
                "pool": asdict(pool),
                "allocations": [asdict(allocation) for allocation in allocations],
            }
            self.stdout.write(json.dumps(report, default=str))
            return
        if options["user"] is None:
            self.stdout.write(
                f"{organization.name} at {moment.isoformat()}: total {pool.total_credits}, "
                f"allocated {pool.allocated_credits}, available {pool.available_credits}, "
                f"used {pool.used_credits}, held {pool.held_credits}, overage {pool.overage_used}"
            )
        for one in allocations:
            self.stdout.write(
                f"{one.user_id}: remaining {one.remaining_credits}, held {one.held_credits}, "
                f"used {one.lifetime_used_credits}"
            )


def _instant(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = f"{text!r} is no RFC 3339 instant with an offset, such as 2026-01-31T12:00:00Z."
        raise CommandError(message, returncode=2)
    return moment


def _of(user: str, allocations: list[AllocationBalances]) -> list[AllocationBalances]:
    """That user's allocation; refused when there was none."""
    found = [one for one in allocations if one.user_id == id_of(user)]
    if not found:
        message = f"User {user!r} had no allocation at that instant."
        raise CommandError(message, returncode=2)
    return found
