"""Usage rows as CSV (RFC 4180), written while they are read: memory holds one chunk, however many there are."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.db.models import Q, QuerySet

from credits.api.rendering import render_usage
from credits.models import Usage
from orgbilling.lib.replica import from_replica, kept
from orgbilling.web.pagination import Cursor, Keyset
from orgbilling.web.responses import encode

COLUMNS: Final = (
    "id", "created_at", "org_id", "user_id", "allocation_id", "credits_used", "overage_credits",
    "service_type", "service_name", "unit_price", "quantity", "price_version", "request_id", "metadata",
    "refunded_credits", "refund_of", "hold_id", "remaining_credits",
)  # fmt: skip
HEADER: Final = ",".join(COLUMNS) + "\r\n"
CHUNK_ROWS: Final = 1_000
#: What spreadsheets take for the beginning of a formula, in their full-width forms too.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

_NEWEST_FIRST: Final = Keyset()


def csv_lines(rows: QuerySet[Usage]) -> Iterator[bytes]:
    """The header, then the rows, newest first, a chunk of lines at a time.

    Each chunk is a query of its own that begins behind the last row: no transaction stays open and no snapshot is
    held while a slow client reads. Called within the request, whose leave to read a replica the chunks have.
    """
    return _read(
        rows.order_by(*_NEWEST_FIRST.order_by(backwards=False)), kept(from_replica(_chunk))
    )


def _chunk(rows: QuerySet[Usage]) -> list[Usage]:
    return list(rows[:CHUNK_ROWS])


def _read(
    rows: QuerySet[Usage], chunk_of: Callable[[QuerySet[Usage]], list[Usage]]
) -> Iterator[bytes]:
    yield HEADER.encode()
    beyond = Q()
    while chunk := chunk_of(rows.filter(beyond)):
        yield _lines(chunk)
        if len(chunk) < CHUNK_ROWS:
            return
        last = chunk[-1]
        beyond = _NEWEST_FIRST.beyond(Cursor(backwards=False, values=(last.created_at, last.pk)))


def safe(value: Any) -> Any:
    """A cell. A text that a spreadsheet would run as a formula begins with an apostrophe; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def _lines(rows: list[Usage]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        document = render_usage(row)
        document["metadata"] = encode(document["metadata"]).decode()
        writer.writerow([safe(document[name]) for name in COLUMNS])
    return text.getvalue().encode()
