"""What the roles are called, and which objects of the database they are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from orgbilling.roles.rules import CLOCK

APPLICATION = "orgbilling_app"
READONLY = "orgbilling_readonly"
BACKUP = "orgbilling_backup"

# What an extension brought is its own.
OURS = "NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = o.oid AND d.deptype = 'e')"

TABLES = f"""
    SELECT o.relname FROM pg_class o
    WHERE o.relnamespace = 'public'::regnamespace AND o.relkind = ANY(%s) AND {OURS} ORDER BY 1
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class Names:
    """One role of each kind. The owner owns every table and function, and runs migrations."""

    owner: str
    application: str = APPLICATION
    readonly: str = READONLY
    backup: str = BACKUP

    def __iter__(self) -> Iterator[str]:
        """Those that own nothing."""
        return iter((self.application, self.readonly, self.backup))


def rows(connection: BaseDatabaseWrapper, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """What a statement returns."""
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def tables(connection: BaseDatabaseWrapper, kinds: str = "rp") -> list[str]:
    """The tables of the schema; ``kinds`` are letters of ``pg_class.relkind``, such as v for views."""
    return [name for (name,) in rows(connection, TABLES, list(kinds))]


def columns(connection: BaseDatabaseWrapper) -> dict[str, list[str]]:
    """The columns of every table, in order."""
    found: dict[str, list[str]] = {}
    sql = (
        "SELECT a.attrelid::regclass::text, a.attname FROM pg_attribute a JOIN pg_class o ON o.oid = a.attrelid"
        " WHERE o.relnamespace = 'public'::regnamespace AND o.relkind IN ('r', 'p')"
        " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, a.attnum"
    )
    for table, column in rows(connection, sql):
        found.setdefault(table, []).append(column)
    return found


def signatures(connection: BaseDatabaseWrapper, names: tuple[str, ...]) -> list[str]:
    """The functions of these names, each with its argument types as ALTER FUNCTION wants them."""
    sql = (
        "SELECT o.oid::regprocedure::text FROM pg_proc o WHERE o.pronamespace = 'public'::regnamespace"
        " AND o.proname = ANY(%s) ORDER BY 1"
    )
    return [name for (name,) in rows(connection, sql, list(names))]


def may_pin(connection: BaseDatabaseWrapper, owner: str) -> bool:
    """Whether the owner may write the simulated clock's setting into a function (rules.CLOCK)."""
    sql = "SELECT has_parameter_privilege(%s, %s, 'SET')"
    return bool(rows(connection, sql, owner, CLOCK)[0][0])
