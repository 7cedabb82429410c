"""``manage.py create_roles``: database roles with no more rights than they need."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError, connection, transaction

from orgbilling.database.citus import is_installed
from orgbilling.env import env_secret
from orgbilling.roles import making, names
from orgbilling.roles.granting import grant

NAME_BYTES_MAX = 63


class Command(BaseCommand):
    """Makes roles and grants; safe to run again, and to be run after each migration.

    As an administrator it makes what is missing, sets passwords and hands the database to the owner. As the owner it
    only grants. Everything happens in one transaction, or not at all.
    """

    help = (
        "Make the roles owner, application, readonly and backup, and grant each what it needs. Passwords come from "
        "DB_OWNER_PASSWORD, DB_APP_PASSWORD, DB_READONLY_PASSWORD and DB_BACKUP_PASSWORD (or ..._FILE); a role "
        "without one can't sign in. Run it again after each migration."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The four names."""
        parser.add_argument(
            "--owner", default="", help="who owns all and migrates; default: who connects"
        )
        parser.add_argument("--app", default=names.APPLICATION, help="who serves: web and worker")
        parser.add_argument("--readonly", default=names.READONLY, help="who looks")
        parser.add_argument("--backup", default=names.BACKUP, help="who runs pg_dump")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it.

        Raises:
            CommandError: a name that can't be one, a role with too much power, or an order that the connecting role
                may not give.
        """
        connection.ensure_connection()
        me = names.rows(connection, "SELECT current_user")[0][0]
        roles = names.Names(
            options["owner"] or me, options["app"], options["readonly"], options["backup"]
        )
        _check_names(roles)
        try:
            done = self._apply(roles)
        except making.RoleUnfit as exc:
            raise CommandError(str(exc)) from exc
        except ProgrammingError as exc:
            message = (
                f"{me} may not do this: {str(exc).splitlines()[0]}. Nothing was changed. Connect as the owner to "
                "grant, as an administrator of the server to make roles, set passwords or hand the database over."
            )
            raise CommandError(message) from exc

        for line in done:
            self.stdout.write(line)

    def _apply(self, roles: names.Names) -> list[str]:
        steps = (_make, _hand_over, _grant)
        if not is_installed(connection):
            with transaction.atomic():
                return [line for step in steps for line in step(roles)]
        # The nodes call each other as whoever gives an order: as the owner only once it is there, and not while
        # the administrator's orders wait to be committed.
        done = []
        for step in steps:
            with transaction.atomic():
                done += step(roles)
        return done


def _make(roles: names.Names) -> list[str]:
    done = making.make(connection, roles, _passwords(roles))
    done += making.settle_session(connection, roles.application, session_settings())
    return done


def _hand_over(roles: names.Names) -> list[str]:
    making.allow_pinning(connection, roles.owner)
    moved = making.hand_over(connection, roles.owner)
    return [f"handed {moved} objects to {roles.owner}"] if moved else []


def _grant(roles: names.Names) -> list[str]:
    tables = grant(connection, roles)
    return [f"Granted: {', '.join(roles)} on {tables} tables of {roles.owner}."]


def _passwords(roles: names.Names) -> dict[str, str]:
    return {
        roles.owner: env_secret("DB_OWNER_PASSWORD"),
        roles.application: env_secret("DB_APP_PASSWORD"),
        roles.readonly: env_secret("DB_READONLY_PASSWORD"),
        roles.backup: env_secret("DB_BACKUP_PASSWORD"),
    }


def session_settings() -> dict[str, str]:
    """What a session of the application is held to, whoever opens it."""
    return {
        "lock_timeout": f"{settings.DB_LOCK_TIMEOUT_MS}ms",
        "statement_timeout": f"{settings.DB_STATEMENT_TIMEOUT_MS}ms",
        "idle_in_transaction_session_timeout": "30000ms",
        "client_connection_check_interval": "2000ms",
        "TimeZone": "UTC",
    }


def _check_names(roles: names.Names) -> None:
    all_names = [roles.owner, *roles]
    if len(set(all_names)) != len(all_names):
        raise CommandError(f"Four roles need four names, not {', '.join(all_names)}.")
    for name in all_names:
        if not name or len(name.encode()) > NAME_BYTES_MAX or "\0" in name:
            raise CommandError(f"{name!r} can't be the name of a role.")
