"""Where the service's database is, in the words of psycopg, of PostgreSQL's programs and of our settings.

Passwords go by the environment, which only the same user can read; never by the arguments of a program.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from django.db import connections
from psycopg import pq

from orgbilling.backups.errors import BackupError

Connection = psycopg.Connection[tuple[object, ...]]

#: It may take hours; whoever waits for a lock is told so instead.
SESSION = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c lock_timeout=60s"
#: For CREATE DATABASE and renames, which nobody connected to the database itself can do.
MAINTENANCE = "postgres"
#: Part of how our own connections are kept, which PostgreSQL's programs do without.
NOT_FOR_PROGRAMS = frozenset({"options", "dbname", "fallback_application_name"})


def name() -> str:
    """The database's name."""
    return str(connections["default"].settings_dict["NAME"])


def parameters(database: str | None = None) -> dict[str, str]:
    """What libpq needs to connect to the service's database, or to another one of the same server."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    given = connections["default"].get_connection_params()
    found = {key: str(value) for key, value in given.items() if key in known and value}
    return {**found, "dbname": database or name(), "options": SESSION}


def connect(database: str | None = None) -> Connection:
    """A connection of its own, which commits each statement unless told otherwise.

    Raises:
        BackupError: it can't be had.
    """
    try:
        return psycopg.connect(
            **parameters(database),  # type: ignore[arg-type]
            autocommit=True,
        )
    except psycopg.OperationalError as exc:
        raise BackupError(f"No connection to database {database or name()}: {exc}") from exc


def release() -> None:
    """Close the connections of Django's own, which would keep the database from being renamed."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if getattr(connection, "pool", None) is not None:
            connection.close_pool()  # type: ignore[attr-defined]


def environment(database: str | None = None) -> dict[str, str]:
    """The environment of a program of PostgreSQL that shall work on a database of this server.

    Raises:
        BackupError: the address has a secret that can't be said this way.
    """
    options = {option.keyword.decode(): option for option in pq.Conninfo.get_defaults()}
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    env |= {"PGDATABASE": database or name(), "PGCONNECT_TIMEOUT": "30"}
    # A file of passwords is looked for there; whoever has no home has none.
    with suppress(RuntimeError):
        env["HOME"] = str(Path.home())
    for key, value in parameters(database).items():
        if key in NOT_FOR_PROGRAMS:
            continue
        variable = options[key].envvar
        if variable is not None:
            env[variable.decode()] = value
        elif options[key].dispchar == b"*":
            message = (
                f"DATABASE_URL has {key}, which PostgreSQL's programs take as an argument alone, "
                "where others could read it: keep the key without a password, readable by its owner."
            )
            raise BackupError(message)
    return env


def url(database: str) -> str:
    """The DATABASE_URL of another database of this server."""
    found = parameters(database)
    user, password = quote(found.pop("user", ""), safe=""), found.pop("password", "")
    who = f"{user}:{quote(password, safe='')}" if password else user
    del found["dbname"], found["options"]
    found.pop("client_encoding", None)
    return f"postgresql://{who}@/{quote(database, safe='')}?{urlencode(found, quote_via=quote, safe='')}"
