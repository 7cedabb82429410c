"""Reading the source: one connection, one snapshot, which the server itself keeps from changing anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import class_row

from orgbilling.importing import columns
from orgbilling.importing.columns import Table
from orgbilling.importing.errors import ImportRefusedError
from orgbilling.importing.rows import CountedRow, EventRow, UsageRow
from orgbilling.importing.schema import Schema, recognise

Row = TypeVar("Row")

#: Rows that the server sends at once: so much of the source is in memory.
BATCH: Final = 1_000
CONNECT_SECONDS: Final = 10
#: Nothing but PostgreSQL's own names is found without being qualified, whatever the source has made. A policy that
#: would hide rows is an error: charges that nobody sees would be given back.
OPTIONS: Final = "-c search_path=pg_catalog -c TimeZone=UTC -c default_transaction_read_only=on -c row_security=off"

#: A charge made twice has the request, the person and the amount of an earlier one. A row without a request is alone.
CHARGES: Final = """
WITH source AS ({usage}), charges AS (
    SELECT s.*,
        first_value(s.id) OVER same AS first_id,
        s.request_id IS NOT NULL AND coalesce(s.credits > 0, false)
            AND row_number() OVER request = 1
            AND count(*) OVER whole = count(*) OVER whole_same AS is_sole,
        s.request_id IS NOT NULL AND count(*) OVER whole > 1 AS is_repeated
    FROM source AS s
    WINDOW same AS (PARTITION BY s.org_id, s.user_id, coalesce('r' || s.request_id, 'i' || s.id), s.credits
            ORDER BY s.created_at, s.id),
        request AS (PARTITION BY s.org_id, coalesce('r' || s.request_id, 'i' || s.id) ORDER BY s.created_at, s.id),
        whole AS (PARTITION BY s.org_id, coalesce('r' || s.request_id, 'i' || s.id)),
        whole_same AS (PARTITION BY s.org_id, coalesce('r' || s.request_id, 'i' || s.id), s.user_id, s.credits)
)
"""
STREAMED: Final = f"""{CHARGES}
SELECT * FROM charges AS c ORDER BY c.org_id, c.created_at NULLS FIRST, c.id
"""  # noqa: S608 - no value is part of the text
COUNTED: Final = (
    CHARGES
    + """
SELECT c.org_id, c.user_id, count(*)::bigint AS rows,
    coalesce(sum(c.credits), 0) AS raw,
    coalesce(-sum(c.credits) FILTER (WHERE c.credits < 0), 0) AS negative,
    coalesce(sum(floor(c.credits)) FILTER (WHERE c.credits > 0), 0) AS charged,
    coalesce(sum(c.credits - floor(c.credits)) FILTER (WHERE c.credits > 0), 0) AS fraction,
    coalesce(sum(floor(c.credits)) FILTER (WHERE c.credits > 0 AND c.first_id <> c.id), 0) AS repeated,
    count(*) FILTER (WHERE c.credits > 0 AND c.first_id <> c.id)::bigint AS repeated_rows,
    min(c.created_at) AS first_at
FROM charges AS c GROUP BY c.org_id, c.user_id
"""
)


@dataclass(frozen=True, slots=True)
class Source:
    """An open snapshot of the source and what its tables look like."""

    connection: psycopg.Connection[Any]
    schema: Schema

    def all(self, table: Table, row: type[Row]) -> list[Row]:
        """Every row of a small table; none where there is no such table."""
        if not self.schema.has(table):
            return []
        with self.connection.cursor(row_factory=class_row(row)) as cursor:
            return cursor.execute(self.schema.select(table)).fetchall()

    def counted(self) -> list[CountedRow]:
        """What each person's charges sum up to."""
        query = sql.SQL(COUNTED).format(usage=self._usage())
        with self.connection.cursor(row_factory=class_row(CountedRow)) as cursor:
            return cursor.execute(query).fetchall()

    def organizations_of_history(self) -> set[str]:
        """The organizations that the history tells of."""
        query = sql.SQL("SELECT DISTINCT h.org_id FROM ({}) AS h")
        rows = self.connection.execute(query.format(self.schema.select(columns.HISTORY)))
        return {str(org_id) for (org_id,) in rows.fetchall()}

    def usage(self) -> Iterator[UsageRow]:
        """Every charge, organization by organization, the oldest first."""
        yield from self._stream(sql.SQL(STREAMED).format(usage=self._usage()), UsageRow)

    def history(self) -> Iterator[EventRow]:
        """Every event, organization by organization, the oldest first."""
        query = self.schema.select(columns.HISTORY)
        order = sql.SQL(" ORDER BY 2, created_at NULLS FIRST, 1")
        yield from self._stream(query + order, EventRow)

    def _usage(self) -> sql.Composed:
        return self.schema.select(columns.USAGE)

    def _stream(self, query: sql.Composed, row: type[Row]) -> Iterator[Row]:
        with self.connection.cursor(f"import_{row.__name__}", row_factory=class_row(row)) as cursor:
            cursor.itersize = BATCH
            cursor.execute(query)
            yield from cursor


@contextmanager
def opened(url: str, namespace: str) -> Iterator[Source]:
    """The source in one REPEATABLE READ, READ ONLY transaction, which is rolled back in the end.

    Raises:
        ImportRefusedError: it can't be reached or read, or its schema isn't known.
    """
    try:
        given = conninfo_to_dict(url)
        timeout = given.get("connect_timeout") or CONNECT_SECONDS
        connection = psycopg.connect(
            url,
            connect_timeout=timeout,
            options=OPTIONS,
            application_name="import_opscenter",
            client_encoding="utf8",
        )
    except psycopg.Error as exc:
        raise ImportRefusedError(f"The source can't be reached: {exc}".strip()) from exc
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    try:
        yield Source(connection, recognise(connection, namespace))
    except psycopg.errors.InsufficientPrivilege as exc:
        message = f"{exc.diag.message_primary}: the role of --from needs SELECT on the tables and all of their rows."
        raise ImportRefusedError(message) from exc
    except psycopg.Error as exc:
        raise ImportRefusedError(f"The source can't be read: {exc}".strip()) from exc
    finally:
        connection.close()
