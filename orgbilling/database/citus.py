"""What is known of Citus below everything else: whether this database is distributed, and how a table becomes it."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

#: By whose id the ledger is cut.
COLUMN = "org_id"
#: All tables of the ledger are cut alike, and like this one: a call touches one machine.
BESIDE = "organization_credit_pools"
#: One connection a node: what a transaction does to tables that name each other needs it.
ONE_BY_ONE = "SET LOCAL citus.multi_shard_modify_mode = 'sequential'"

_INSTALLED = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"
_DISTRIBUTED = "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass(%s))"
_SPREAD = """
    SELECT logicalrelid::regclass::text FROM pg_dist_partition WHERE partmethod = 'h' OR repmodel = 't'
"""
# Every row names its organization, and so does every unique key but a primary one of the id alone, which is made to.
_BELONGS = """
    SELECT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = %(table)s::regclass AND attname = %(column)s AND attnotnull)
        AND NOT EXISTS (
            SELECT FROM pg_index i
            WHERE i.indrelid = %(table)s::regclass AND i.indisunique
                AND NOT (i.indisprimary AND EXISTS (
                    SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attname = 'id'
                        AND a.attnum = i.indkey[0] AND i.indnkeyatts = 1))
                AND NOT EXISTS (
                    SELECT FROM pg_attribute a
                    WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND a.attname = %(column)s))
"""
_KEYS = """
    SELECT c.conname::text, c.contype::text,
        ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (n, place)
              JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY place)
    FROM pg_constraint c WHERE c.conrelid = %s::regclass AND c.contype IN ('p', 'u')
"""


def is_installed(connection: BaseDatabaseWrapper) -> bool:
    """Whether the database has the extension."""
    return bool(_rows(connection, _INSTALLED)[0][0])


def is_distributed(connection: BaseDatabaseWrapper) -> bool:
    """Whether ``manage.py distribute`` has been run here."""
    return is_installed(connection) and bool(_rows(connection, _DISTRIBUTED, [BESIDE])[0][0])


def spread_tables(connection: BaseDatabaseWrapper) -> set[str]:
    """The tables that are on the workers, cut or whole: no trigger can be on them."""
    return {name for (name,) in _rows(connection, _SPREAD)} if is_installed(connection) else set()


def distribute_new(connection: BaseDatabaseWrapper, table: str) -> None:
    """Cut a table that a migration has just made, if its rows belong to organizations."""
    if _rows(connection, _BELONGS, {"table": table, "column": COLUMN})[0][0]:
        run(connection, sql.SQL(ONE_BY_ONE))
        promote_key(connection, table)
        run(connection, cut(table, beside=BESIDE))


def cut(table: str, *, beside: str) -> sql.Composable:
    """The statement that distributes a table like another one."""
    return sql.SQL("SELECT create_distributed_table({}::regclass, {}, colocate_with := {})").format(
        table, COLUMN, beside
    )


def promote_key(connection: BaseDatabaseWrapper, table: str) -> None:
    """Make (org_id, id) the primary key, under the name that its unique constraint had: migrations know that one.

    A primary key that names the organization already is left alone.
    """
    keys = _rows(connection, _KEYS, [table])
    primary, columns = next((name, columns) for name, kind, columns in keys if kind == "p")
    if COLUMN in columns:
        return
    wanted = [COLUMN, "id"]
    unique = next((name for name, kind, columns in keys if kind == "u" and columns == wanted), None)
    actions: list[sql.Composable] = [
        sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(name))
        for name in (primary, unique)
        if name
    ]
    actions.append(
        sql.SQL("ADD CONSTRAINT {} PRIMARY KEY ({}, id)").format(
            sql.Identifier(unique or primary), sql.Identifier(COLUMN)
        )
    )
    run(connection, alter(table, sql.SQL(", ").join(actions)))


def alter(table: str, action: sql.Composable) -> sql.Composable:
    """An ALTER TABLE statement."""
    return sql.SQL("ALTER TABLE {} {}").format(sql.Identifier(table), action)


def run(connection: BaseDatabaseWrapper, statement: sql.Composable) -> None:
    """Execute a statement that returns nothing of interest."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _rows(
    connection: BaseDatabaseWrapper, text: str, arguments: Any = None
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, arguments)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
