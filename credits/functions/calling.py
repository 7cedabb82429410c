"""How a SQL function is called: one statement, our errors in place of the database's."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.pq import Format

from orgbilling.database.preparing import preparing_cursor
from orgbilling.lib import clock
from orgbilling.lib.sqlstate import translated


class Origin(NamedTuple):
    """Who asked for a movement and in which request; stored with every ledger row.

    Attributes:
        actor: ``user:<id>``, ``key:<id>`` or ``system``.
        request_id: the X-Request-ID, or the body's.
        idempotency_key: None when the caller sent none.
        body_hash: SHA-256 of the request; needed with a key.
    """

    actor: str
    request_id: str
    idempotency_key: str | None = None
    body_hash: bytes | None = None


def one(sql: str, args: list[Any]) -> tuple[Any, ...]:
    """The only row that a function returns."""
    with translated(), _here(), _binary(preparing_cursor()) as cursor:
        cursor.execute(sql, args)
        row: tuple[Any, ...] = cursor.fetchone()
    return row


def many(sql: str, args: list[Any]) -> list[tuple[Any, ...]]:
    """All rows that a function returns."""
    with translated(), _here(), _binary(preparing_cursor()) as cursor:
        cursor.execute(sql, args)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _binary(cursor: CursorWrapper) -> CursorWrapper:
    """A cursor that gets values as the server keeps them: psycopg reads those in C, and texts of moments in Python."""
    cursor.cursor.format = Format.BINARY
    return cursor


def _here() -> AbstractContextManager[object]:
    """A simulated moment is known to this session alone: inside a transaction Citus runs the function in it."""
    if clock.is_simulated() and not connection.in_atomic_block:
        return transaction.atomic()
    return nullcontext()


def decoded(document: Any) -> Any:
    """What a column of JSON holds: Django's cursors leave it as text, for the fields of its models to decode."""
    return json.loads(document) if isinstance(document, str) else document
