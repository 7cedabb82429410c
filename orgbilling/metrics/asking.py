"""Asks the database for its figures: over a connection of its own, so that an exhausted pool is seen too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import structlog
from django.db import connections

from orgbilling.metrics.figures import QUESTIONS, Question

logger = structlog.stdlib.get_logger(__name__)

CONNECT_TIMEOUT_SECONDS: Final = 2
STATEMENT_TIMEOUT_MS: Final = 1_500
#: Said in each transaction: a pooler of transactions would lose, or give to others, what a session says.
LIMITS: Final = f"""
    SET TRANSACTION READ ONLY;
    SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS};
    SET LOCAL lock_timeout = 200
"""
#: Rows are counted so long after they are written: no transaction that began before is still going on.
SETTLED_SECONDS: Final = 60
#: How much of the journal is counted at once, when nobody has asked for long.
WINDOW_SECONDS: Final = 3600

JOURNAL: Final = """
    SELECT kind, count(*) FROM credit_journal
    WHERE created_at > to_timestamp(%(since)s) AND created_at <= to_timestamp(%(until)s) GROUP BY kind
"""

#: name -> [(the label's value or "", number)]
Figures = dict[str, list[tuple[str, float]]]


class Journal:
    """What the journal has been seen to hold since the figures were begun: kind -> rows, up to an instant.

    Counted from the rows and not where they are written, because resets and refreshes are written by SQL functions
    on the way of any request. Each row is counted once.
    """

    def __init__(self, until: float | None = None, kinds: dict[str, int] | None = None) -> None:
        self.until, self.kinds = until, kinds or {}

    def follow(self, connection: psycopg.Connection[Any]) -> None:
        """Count the rows that were written since."""
        with _limited(connection):
            (instant,) = connection.execute("SELECT extract(epoch FROM now())").fetchall()[0]
            settled = float(instant) - SETTLED_SECONDS
            since = settled if self.until is None else self.until
            until = max(since, min(settled, since + WINDOW_SECONDS))
            rows = connection.execute(JOURNAL, {"since": since, "until": until}).fetchall()
        for kind, count in rows:
            self.kinds[kind] = self.kinds.get(kind, 0) + count
        self.until = until


def ask(journal: Journal) -> Figures:
    """Return every figure, and let the journal's counts follow.

    A statement that fails is logged, and its figures are missing. Raises psycopg.Error without a connection.
    """
    parameters = dict(connections["default"].get_connection_params())
    parameters |= {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "autocommit": True,
        "cursor_factory": psycopg.Cursor,
        "context": None,
    }
    figures: Figures = {}
    failed = 0
    with psycopg.connect(**parameters) as connection:
        for question in QUESTIONS:
            try:
                figures |= _answers(connection, question)
            except psycopg.Error:
                if connection.closed:
                    raise
                failed += 1
                logger.warning(
                    "metrics.not_measured", figure=question.figures[0].name, exc_info=True
                )
        try:
            journal.follow(connection)
        except psycopg.Error:
            if connection.closed:
                raise
            failed += 1
            logger.warning("metrics.not_measured", figure="journal", exc_info=True)
    return figures | {"database_questions_failed": [("", failed)]}


def _answers(connection: psycopg.Connection[Any], question: Question) -> Figures:
    with _limited(connection):
        rows = connection.execute(question.sql, dict(question.parameters)).fetchall()
    if not question.labelled:
        (row,) = rows
        pairs = zip(question.figures, row, strict=True)
        return {figure.name: [("", float(value))] for figure, value in pairs}
    found: Figures = {}
    for place, figure in enumerate(question.figures, start=1):
        values = dict.fromkeys(figure.known, 0.0) | {row[0]: float(row[place]) for row in rows}
        found[figure.name] = list(values.items())
    return found


@contextmanager
def _limited(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """A transaction that changes nothing, waits for nobody and ends soon."""
    with connection.transaction():
        connection.execute(LIMITS)
        yield
