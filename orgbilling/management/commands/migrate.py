"""``manage.py migrate``: Django's own, which goes back over data only when told to."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as DjangoCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import AmbiguityError
from psycopg.sql import SQL

from orgbilling.database.citus import is_distributed, is_installed, run
from orgbilling.distribution.distributing import SHARDS, distribute
from orgbilling.distribution.errors import CannotDistribute
from orgbilling.losses import losses


class Command(DjangoCommand):
    """Refuses to drop a table that has rows, or a column that has values, without ``--lose-data``."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's, and ours."""
        super().add_arguments(parser)
        parser.add_argument(
            "--lose-data",
            action="store_true",
            help="also go back over migrations whose tables or columns have something in them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look before going back, then migrate.

        Raises:
            CommandError: something would be lost; nothing was changed.
        """
        if not options.pop("lose_data") and not options["fake"] and not options["plan"]:
            lost = _lost(options["app_label"], options["migration_name"])
            if lost:
                message = (
                    f"Going back to {options['app_label']} {options['migration_name']} would lose what is "
                    f"in {', '.join(lost)}. Nothing was changed. Make a backup (manage.py backup), then "
                    "say --lose-data; or leave the schema as it is: the release before mostly runs on it."
                )
                raise CommandError(message)
        if is_installed(connection) and not is_distributed(connection):
            # Until it is distributed, the schema is the coordinator's own: the workers get all of it at once.
            run(connection, SQL("SET citus.enable_ddl_propagation = off"))
        super().handle(*args, **options)
        if not options["plan"] and is_distributed(connection):
            self._spread()

    def _spread(self) -> None:
        """What migrations made goes where it belongs; a function that was dropped and made again is delegated again."""
        try:
            distribute(connection, shards=SHARDS, say=self.stdout.write)
        except CannotDistribute as exc:
            raise CommandError(str(exc)) from exc


def _lost(app: str | None, name: str | None) -> list[str]:
    if not app or not name:
        return []
    executor = MigrationExecutor(connection)
    if name == "zero":
        node: tuple[str, str | None] = (app, None)
    else:
        try:
            node = (app, executor.loader.get_migration_by_prefix(app, name).name)
        except (AmbiguityError, KeyError):
            # Django says what is wrong with it.
            return []
    return losses(executor, executor.migration_plan([node]))
