"""The schema as PostgreSQL's catalogue has it: what the decisions are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from orgbilling.database.citus import COLUMN

# What an extension brought is its own.
_TABLES = """
    SELECT t.relname::text,
        EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = %s AND a.attnotnull),
        ARRAY(SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey) k JOIN pg_attribute a
                           ON a.attrelid = t.oid AND a.attnum = k)::text
              FROM pg_index i WHERE i.indrelid = t.oid AND i.indisunique AND NOT (i.indisprimary AND EXISTS (
                  SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'id'
                      AND a.attnum = i.indkey[0] AND i.indnkeyatts = 1))),
        ARRAY(SELECT c.confrelid::regclass::text FROM pg_constraint c
              WHERE c.conrelid = t.oid AND c.contype = 'f' AND c.conparentid = 0)
    FROM pg_class t
    WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
    ORDER BY 1
"""

_FUNCTIONS = """
    SELECT p.proname::text, p.oid::regprocedure::text, coalesce(p.proargnames[1], ''),
        p.prorettype = 'trigger'::regtype, p.prosrc,
        ARRAY(SELECT split_part(c, '=', 1) FROM unnest(p.proconfig) c)
    FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the schema.

    ``belongs``: every row names its organization. ``keys``: the columns of its unique keys, but for a primary
    one of the id alone, to which the organization's can be added.
    ``targets``: the tables that its foreign keys name.
    """

    name: str
    belongs: bool
    keys: tuple[frozenset[str], ...]
    targets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the schema.

    ``first``: the name of its first argument. ``settings``: the names of those that it runs under.
    """

    name: str
    signature: str
    first: str
    is_trigger: bool
    body: str
    settings: tuple[str, ...]


def rows(connection: BaseDatabaseWrapper, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """What a statement returns."""
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments or None)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def tables(connection: BaseDatabaseWrapper) -> list[Table]:
    """Every table, Django's and procrastinate's too."""
    return [
        Table(name, belongs, tuple(frozenset(_list(key)) for key in keys), frozenset(targets))
        for name, belongs, keys, targets in rows(connection, _TABLES, COLUMN)
    ]


def functions(connection: BaseDatabaseWrapper) -> list[Function]:
    """Every function, procrastinate's too."""
    return [
        Function(name, signature, first, is_trigger, body, tuple(settings))
        for name, signature, first, is_trigger, body, settings in rows(connection, _FUNCTIONS)
    ]


def _list(array: str) -> list[str]:
    """The names in PostgreSQL's text form of an array of plain names."""
    return array.strip("{}").split(",")
