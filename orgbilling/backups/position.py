"""How far a ledger is: enough to tell which of two is older, and whether one is part of the other.

Rows of these tables are never deleted, and their ids are ordered by time. What changes in a row that stays
is seen by when it changed last.
"""

from __future__ import annotations

from typing import Any, Final

from psycopg import sql

from orgbilling.backups.target import Connection

#: Table -> the column that says when a row changed last; None: rows never change.
TABLES: Final[dict[str, str | None]] = {
    "credit_journal": None,
    "credit_usage_attribution": None,
    "credit_holds": "updated_at",
    "org_billing_history": None,
    "payments": "updated_at",
    "payment_attempts": "updated_at",
    "invoices": None,
    "audit_log": None,
}

#: Of a table: `rows`, `newest` (an id) and `changed` (an instant); of a ledger: that by table.
Position = dict[str, dict[str, Any]]


def position_of(connection: Connection) -> Position:
    """How far the ledger is that the connection leads to; tables that it has not are left out."""
    return {
        table: _of_table(connection, table, changed)
        for table, changed in TABLES.items()
        if _value(connection, sql.SQL("SELECT to_regclass({})").format(sql.Literal(table)))
    }


def ahead(ledger: Position, backup: Position) -> list[str]:
    """What a ledger has that a backup can't have: a sentence a table. Empty: it is not newer."""
    found = []
    for table, now in ledger.items():
        then = backup.get(table, {"rows": 0, "newest": None, "changed": None})
        if now["rows"] > then["rows"]:
            found.append(f"{table} has {now['rows']:,} rows, the backup {then['rows']:,}")
        elif (now["newest"] or "") > (then["newest"] or ""):
            found.append(f"{table} has the newer row {now['newest']}")
        elif (now["changed"] or "") > (then["changed"] or ""):
            found.append(f"{table} has a row that changed at {now['changed']}, after the backup")
    return found


def not_in(ledger: Position, connection: Connection) -> list[str]:
    """Tables whose newest row another ledger has not: then it was never the same ledger."""
    return [
        table
        for table, now in ledger.items()
        if now["newest"] is not None
        and not _value(
            connection,
            sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE id = {})").format(
                sql.Identifier(table), sql.Literal(now["newest"])
            ),
        )
    ]


def _of_table(connection: Connection, table: str, changed: str | None) -> dict[str, Any]:
    rows = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    newest = sql.SQL("SELECT id::text FROM {} ORDER BY id DESC LIMIT 1").format(
        sql.Identifier(table)
    )
    found = {"rows": _value(connection, rows), "newest": _value(connection, newest)}
    if changed is None:
        return {**found, "changed": None}
    # In UTC and with all six digits, so that texts sort as the instants do.
    last = sql.SQL(
        "SELECT to_char(max({}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM {}"
    ).format(sql.Identifier(changed), sql.Identifier(table))
    return {**found, "changed": _value(connection, last)}


def _value(connection: Connection, query: sql.Composed) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row is not None else None
