"""``manage.py rollup``: sums usage up for reports now, or again from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser

from credits import rolling
from credits.models import CreditPool
from orgbilling.management.naming import add_organizations, organization_named


class Command(BaseCommand):
    """Does what the worker does every five minutes; every figure of a report is right before, meanwhile and after."""

    help = "Sum up usage by hour and day, for fast reports: what isn't yet, or everything again."

    def add_arguments(self, parser: CommandParser) -> None:
        """The organizations, and whether to begin from nothing."""
        add_organizations(parser)
        parser.add_argument(
            "--rebuild",
            action="store_true",
            help="throw away what is summed up; until it is made again, reports read the rows",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print how many rows were taken.

        Raises:
            CommandError: status 2 for an unknown organization.
        """
        named = [organization_named(name).pk for name in options["organizations"]]
        rows = organizations = 0
        for org_id in named or _everybody():
            work = rolling.rebuild if options["rebuild"] else rolling.roll_up_organization
            rows += work(org_id)
            organizations += 1
        if not named and not options["rebuild"]:
            # Organizations that were summed up for the first time became known above, and have their rows taken now.
            rows += rolling.roll_up(rows_at_most=None)
        self.stdout.write(
            self.style.SUCCESS(f"{rows} usage rows of {organizations} organizations summed up.")
        )


def _everybody() -> Iterator[UUID]:
    pools = CreditPool.objects.order_by("org_id").values_list("org_id", flat=True)
    yield from pools.iterator()
