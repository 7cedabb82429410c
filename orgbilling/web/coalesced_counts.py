"""Requests that are to be counted at the same time in a process are counted in one statement.

Most of them share a service's key and are one row of it. Each is told the rank that it would have had alone, and
the epoch (``orgbilling.web.epochs``) as it was after all of them had come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Final, NamedTuple

from django.conf import settings
from django.db import Error as DjangoDatabaseError
from django.db import OperationalError, connections
from django.db.backends.utils import CursorWrapper

from orgbilling.database.preparing import preparing_cursor
from orgbilling.lib import sqlstate
from orgbilling.lib.coalescing import Apart, Bounds, Coalescer, Undone
from orgbilling.lib.errors import OutcomeUnknown

#: Statements on their way at the same time in one process: while one is, the next gathers.
ABREAST: Final = 1
#: Requests in one statement, and waiting for the next one, at most.
MOST: Final = 256
#: How long a request waits for the statement before its own. Many times what one takes.
PATIENCE_SECONDS: Final = 0.05
#: How long a statement may take longer than the pool and PostgreSQL let it: for its answer to arrive.
GRACE_SECONDS: Final = 5

# Upserts: a server that crashed comes back with the table empty, which the memory of a process can't know.
_ONE: Final = """
INSERT INTO public.rate_counters AS c (key, count, expires_at)
VALUES (%s, %s, now() + make_interval(secs => %s))
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN c.expires_at > now() THEN c.count ELSE 0 END + EXCLUDED.count,
    expires_at = CASE WHEN c.expires_at > now() THEN c.expires_at ELSE EXCLUDED.expires_at END
RETURNING c.key, c.count, coalesce((SELECT e.count FROM public.rate_counters AS e WHERE e.key = %s), 0)
"""
# In the order of their keys, so that two processes never wait for each other.
_MANY: Final = """
INSERT INTO public.rate_counters AS c (key, count, expires_at)
SELECT w.key, w.delta, now() + make_interval(secs => w.seconds)
FROM unnest(%s::text[], %s::bigint[], %s::float8[]) AS w (key, delta, seconds)
ORDER BY w.key
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN c.expires_at > now() THEN c.count ELSE 0 END + EXCLUDED.count,
    expires_at = CASE WHEN c.expires_at > now() THEN c.expires_at ELSE EXCLUDED.expires_at END
RETURNING c.key, c.count, coalesce((SELECT e.count FROM public.rate_counters AS e WHERE e.key = %s), 0)
"""


class Wanted(NamedTuple):
    """A counter, what to add to it, and the seconds that it lives if it has to be started."""

    name: str
    delta: int
    seconds: float


class Counted(NamedTuple):
    """The counter with this request, and the epoch that was told with it."""

    total: int
    epoch: int


class Counts:
    """Counts on a database alias, for all threads of the process.

    Args:
        alias: the connections to count on. A thread that has one open already counts alone on that, so that whoever
            waits for others holds none that they need.
        epoch_name: the key of the epoch among the counters.
    """

    def __init__(self, alias: str, epoch_name: str) -> None:
        self._alias, self._epoch_name = alias, epoch_name
        pool_seconds = settings.DB_POOL_TIMEOUT_SECONDS
        self._coalescer: Coalescer[Wanted, Counted] = Coalescer(
            alone=self._alone,
            together=self._together,
            place=_name,
            tell=_tell_nobody,
            bounds=Bounds(
                most=MOST,
                waiting=MOST,
                abreast=ABREAST,
                patience_seconds=PATIENCE_SECONDS,
                end_seconds=pool_seconds + settings.DB_STATEMENT_TIMEOUT_MS / 1000 + GRACE_SECONDS,
            ),
        )

    def count(self, wanted: Wanted) -> Counted:
        """Count one request, with others if they wait.

        Raises:
            django.db.Error: it may have been counted or not, as after any error of a database.
        """
        if connections[self._alias].connection is not None:
            return self._alone(wanted)
        try:
            return self._coalescer.do(wanted)
        except OutcomeUnknown as exc:
            message = "The statement that was to count this request among others has failed."
            raise OperationalError(message) from exc

    def _alone(self, wanted: Wanted) -> Counted:
        with self._cursor() as cursor:
            cursor.execute(_ONE, (*wanted, self._epoch_name))
            _key, total, epoch = cursor.fetchone()
        return Counted(total, epoch)

    def _together(self, many: Sequence[Wanted]) -> list[Counted | None]:
        rows: dict[str, Wanted] = {}
        for name, delta, seconds in many:
            before = rows.get(name)
            rows[name] = Wanted(name, delta + (before.delta if before else 0), seconds)
        try:
            with self._cursor() as cursor:
                if len(rows) == 1:
                    cursor.execute(_ONE, (*rows[many[0].name], self._epoch_name))
                else:
                    names, deltas, seconds_left = (
                        list(column) for column in zip(*rows.values(), strict=True)
                    )
                    cursor.execute(_MANY, (names, deltas, seconds_left, self._epoch_name))
                found = {name: Counted(total, epoch) for name, total, epoch in cursor.fetchall()}
        except DjangoDatabaseError as exc:
            if sqlstate.of(exc) in sqlstate.RETRYABLE:
                raise Undone from exc
            raise
        return _ranked(many, rows, found)

    @contextmanager
    def _cursor(self) -> Iterator[CursorWrapper]:
        """A cursor on this thread's connection; one that had to be opened is given back at once."""
        connection = connections[self._alias]
        opened = connection.connection is None
        try:
            with preparing_cursor(self._alias) as cursor:
                yield cursor
        finally:
            if opened:
                connection.close()


@cache
def of(alias: str, epoch_name: str) -> Counts:
    """The ones of this process."""
    return Counts(alias, epoch_name)


def _ranked(
    many: Sequence[Wanted], rows: dict[str, Wanted], found: dict[str, Counted]
) -> list[Counted | None]:
    """What each would have been told alone, had they come in this order."""
    reached = {name: found[name].total - row.delta for name, row in rows.items()}
    ranked: list[Counted | None] = []
    for name, delta, _seconds in many:
        reached[name] += delta
        ranked.append(Counted(reached[name], found[name].epoch))
    return ranked


def _name(wanted: Wanted) -> str:
    return wanted.name


def _tell_nobody(_why: Apart) -> None:
    """Why one was counted alone is no figure of interest."""
