"""Databases that exist only until something is known: what a dump is restored into before it counts."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg
from psycopg import sql

from orgbilling.backups import target
from orgbilling.backups.errors import BackupError
from orgbilling.backups.folder import Backup
from orgbilling.backups.programs import Programs
from orgbilling.backups.target import Connection

#: PostgreSQL cuts longer names, silently.
NAME_LENGTH_MAX: Final = 63
JOBS_MAX: Final = 4


def derived(purpose: str, mark: str) -> str:
    """The name of a database that belongs to ours: `<name>_<purpose>_<mark>`."""
    tail = f"_{purpose}_{mark}"
    return target.name()[: NAME_LENGTH_MAX - len(tail)] + tail


@contextmanager
def database(maintenance: Connection, purpose: str) -> Iterator[str]:
    """A new, empty database, and the end of it; those of killed runs end with it.

    Only for who keeps others of that purpose from being at work.

    Raises:
        BackupError: the role may not make databases.
    """
    _drop_leftovers(maintenance, purpose)
    name = derived(purpose, secrets.token_hex(4))
    try:
        maintenance.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
        )
    except psycopg.errors.InsufficientPrivilege as exc:
        message = (
            f"{exc.diag.message_primary}: a backup is restored into a new database first, so the role of "
            "DATABASE_URL needs CREATEDB (ALTER ROLE … CREATEDB), here at least while it lasts."
        )
        raise BackupError(message) from exc
    try:
        yield name
    finally:
        # Where the connection was lost, or somebody looks into it, the next run does.
        with suppress(psycopg.OperationalError):
            drop(maintenance, name)


def drop(maintenance: Connection, name: str) -> None:
    """Drop a database, unless it is gone or has another name by now; what a killed run left in it is ended.

    Not WITH (FORCE): that wants the right to end autovacuum too, which a plain DROP ends by itself.
    """
    maintenance.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND usename = current_user",
        [name],
    )
    maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def fill(
    programs: Programs, backup: Backup, name: str, *, privileges: bool, env: dict[str, str]
) -> None:
    """Restore a dump into an empty database.

    Args:
        privileges: also what other roles were granted; these have to exist.
        env: of a program that works on that database.

    Raises:
        BackupError: it can't be restored.
    """
    jobs = min(JOBS_MAX, os.cpu_count() or 1)
    arguments = ["--exit-on-error", "--no-password", "--no-owner", f"--jobs={jobs}"]
    if not privileges:
        arguments.append("--no-privileges")
    programs.run("pg_restore", *arguments, f"--dbname={name}", str(backup.path), env=env)


def _drop_leftovers(maintenance: Connection, purpose: str) -> None:
    begins = derived(purpose, "").replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
    rows = maintenance.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE %s"
        " AND pg_has_role(datdba, 'MEMBER') AND datname ~ '_[0-9a-f]{8}$'",
        [begins + "%"],
    )
    for (name,) in rows.fetchall():
        drop(maintenance, str(name))
