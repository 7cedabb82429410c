"""What the source's tables look like: recognised by their columns, and refused where they would have to be guessed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from orgbilling.importing.cleaning import DETAILS_BYTES_MAX, LEFT_OUT
from orgbilling.importing.columns import (
    ALLOCATIONS,
    HISTORY,
    MEMBERS,
    TABLES,
    TYPES,
    Column,
    Table,
)
from orgbilling.importing.errors import ImportRefusedError

#: Tables that only a database of this service has.
OURS: Final = frozenset({"django_migrations", "credit_journal"})


@dataclass(frozen=True, slots=True)
class Found:
    """One column of the source."""

    name: str
    type: str
    generated: bool


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables that are there, by name, and their columns."""

    namespace: str
    tables: dict[str, dict[str, Found]]

    def has(self, table: Table) -> bool:
        """Whether the table is there."""
        return table.name in self.tables

    def column(self, table: Table, column: Column) -> Found | None:
        """The source's column for one of ours; None where it has none."""
        found = self.tables.get(table.name, {})
        return next((found[name] for name in column.names if name in found), None)

    @property
    def variant(self) -> str:
        """Which of the two variants it is, or that it is a mixture, by what tells them apart."""
        marks = self._marks()
        if not any(marks.values()):
            return "migration files"
        if all(marks.values()):
            return "running system"
        return "mixed: " + ", ".join(name for name, is_there in marks.items() if is_there)

    def _marks(self) -> dict[str, bool]:
        marks: dict[str, bool] = {}
        if self.has(MEMBERS):
            marks["organization_members.organization_id"] = (
                "organization_id" in self.tables[MEMBERS.name]
            )
        remaining = self.tables[ALLOCATIONS.name].get("remaining_credits")
        marks["remaining_credits not generated"] = remaining is None or not remaining.generated
        marks["org_billing_history.description"] = "description" in self.tables[HISTORY.name]
        return marks

    def unknown(self) -> list[str]:
        """The columns, ``table.column``, that nothing is known of and that may mean credits or money."""
        return [
            f"{table.name}.{name}"
            for table in TABLES
            if table.strict
            for name in self.tables.get(table.name, {})
            if name not in table.passed_over and not any(name in one.names for one in table.columns)
        ]

    def naive(self) -> list[str]:
        """The columns, ``table.column``, of moments without a zone."""
        found = []
        for table in TABLES:
            for column in table.columns:
                there = self.column(table, column)
                if column.kind == "moment" and there and not there.type.endswith("with time zone"):
                    found.append(f"{table.name}.{there.name}")
        return found

    def select(self, table: Table) -> sql.Composed:
        """A query of the table's rows, in the form and order of the row's fields."""
        fields = sql.SQL(", ").join(self._expression(table, one) for one in table.columns)
        return sql.SQL("SELECT {} FROM {}.{} AS t").format(
            fields, sql.Identifier(self.namespace), sql.Identifier(table.name)
        )

    def _expression(self, table: Table, column: Column) -> sql.Composed:
        there = self.column(table, column)
        alias = sql.Identifier(column.field)
        if there is None:
            nothing = {
                "number": "numeric",
                "moment": "timestamptz",
                "flag": "boolean",
            }.get(column.kind, "text")
            return sql.SQL("NULL::{} AS {}").format(sql.SQL(nothing), alias)
        template = _TEMPLATES[column.kind]
        if column.kind == "text" and column.needed:
            template = "coalesce(btrim({c}::text), '') AS {a}"
        if column.kind == "moment":
            naive = not there.type.endswith("with time zone")
            zone = "::timestamp AT TIME ZONE 'UTC'" if naive else ""
            template = template.replace("{zone}", zone)
        return sql.SQL(template).format(
            c=sql.Composed([sql.SQL("t."), sql.Identifier(there.name)]),
            a=alias,
            bytes=sql.Literal(DETAILS_BYTES_MAX),
            left_out=sql.Literal(LEFT_OUT),
        )


_TEMPLATES: Final = {
    "text": "nullif(btrim({c}::text), '') AS {a}",
    # No number and infinite ones are no amounts.
    "number": "CASE WHEN lower({c}::text) NOT IN ('nan', 'infinity', '-infinity') THEN {c}::numeric END AS {a}",
    "flag": "{c} AS {a}",
    "json": "CASE WHEN octet_length({c}::text) > {bytes} THEN {left_out} || octet_length({c}::text)"
    " ELSE {c}::text END AS {a}",
    # A moment with a zone keeps it; one without is taken for UTC.
    "moment": "CASE WHEN {c} BETWEEN '1970-01-01' AND '9998-12-31' THEN {c}{zone} END AS {a}",
}


def recognise(connection: psycopg.Connection[Any], namespace: str) -> Schema:
    """Read which tables and columns there are.

    Raises:
        ImportRefusedError: a needed table or column is missing, a view, or of an unknown type; or it is a database
            of this service.
    """
    found = _read(connection, namespace)
    names = [table.name for table in TABLES]
    hidden = _hidden(connection, namespace, names)
    if hidden:
        message = f"The role of --from may not read {', '.join(hidden)}: grant it SELECT on the whole tables."
        raise ImportRefusedError(message)
    if OURS & set(found):
        message = "The source is a database of this service, not of Ops-Center: --from names the other one."
        raise ImportRefusedError(message)
    views = [name for name in names if name in found and found[name] is None]
    tables = {name: found[name] or {} for name in names if found.get(name)}
    schema = Schema(namespace, tables)
    wrong = [
        f"{name} is no table but a view or the like: name the schema of the tables"
        for name in views
    ]
    for table in TABLES:
        if table.name in views:
            continue
        if not schema.has(table):
            if table.needed:
                wrong.append(f"the table {namespace}.{table.name} is missing")
            continue
        wrong.extend(_wrong_columns(schema, table))
    if wrong:
        message = "This is no schema of Ops-Center that is known:\n  " + "\n  ".join(wrong)
        raise ImportRefusedError(message)
    return schema


def refuse_unknown(schema: Schema, left_out: Collection[str]) -> None:
    """Refuse columns that nobody has said to leave out.

    Raises:
        ImportRefusedError: with the columns, and how to leave them out.
    """
    unknown = [name for name in schema.unknown() if name not in left_out]
    if unknown:
        options = " ".join(f"--leave-out {name}" for name in unknown)
        message = (
            f"Columns that Ops-Center is not known to have: {', '.join(unknown)}. If they mean neither credits nor "
            f"money, say so: {options}"
        )
        raise ImportRefusedError(message)


def _hidden(
    connection: psycopg.Connection[Any], namespace: str, names: Collection[str]
) -> list[str]:
    """The tables that are there and may not be read, which the information schema hides, or some columns of them."""
    found = connection.execute(
        "SELECT c.relname::text FROM pg_catalog.pg_class AS c"
        " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
        " AND NOT has_table_privilege(c.oid, 'SELECT') ORDER BY c.relname",
        [namespace, list(names)],
    )
    return [name for (name,) in found.fetchall()]


def _read(
    connection: psycopg.Connection[Any], namespace: str
) -> dict[str, dict[str, Found] | None]:
    """The columns of each table by its name; None for a view."""
    names = [table.name for table in TABLES] + list(OURS)
    found: dict[str, dict[str, Found] | None] = {}
    kinds = connection.execute(
        "SELECT table_name::text, table_type::text FROM information_schema.tables"
        " WHERE table_schema = %s AND table_name = ANY(%s)",
        [namespace, names],
    )
    for name, kind in kinds.fetchall():
        found[name] = {} if kind == "BASE TABLE" else None
    columns = connection.execute(
        "SELECT table_name::text, column_name::text, data_type::text, is_generated = 'ALWAYS'"
        " FROM information_schema.columns WHERE table_schema = %s AND table_name = ANY(%s) ORDER BY ordinal_position",
        [namespace, names],
    )
    for table, name, kind, generated in columns.fetchall():
        there = found.get(table)
        if there is not None:
            there[name] = Found(name, kind, generated)
    return found


def _wrong_columns(schema: Schema, table: Table) -> list[str]:
    wrong = []
    for column in table.columns:
        there = schema.column(table, column)
        if there is None:
            if column.needed:
                wrong.append(f"{table.name} has no column {' or '.join(column.names)}")
        elif there.type not in TYPES[column.kind]:
            wrong.append(f"{table.name}.{there.name} is {there.type}, which is no {column.kind}")
    return wrong
