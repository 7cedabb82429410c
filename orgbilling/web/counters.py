"""Counters that every process shares, exact without Redis: a Django cache backend on one table.

The table is UNLOGGED and its connection autocommits with ``synchronous_commit`` off: a count is
worth nothing after a crash, and must stand whatever becomes of the request that caused it. In the
steady state counting is one statement, because each process remembers which keys exist, and threads of a process
share it (``orgbilling.web.coalesced_counts``).
"""

from __future__ import annotations

import itertools
import time
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connections

from orgbilling.database.preparing import preparing_cursor
from orgbilling.web import coalesced_counts, epochs

#: One expired-row sweep in so many newly made keys; each sweep takes at most ``PURGE_ROWS_MAX`` rows.
PURGE_EVERY = 256
PURGE_ROWS_MAX = 2_000
KNOWN_KEYS_MAX = 20_000
#: Nothing here lives longer than a year; a count without a time to live would never be purged.
NEVER_SECONDS = 366 * 24 * 3600

_ADD = """
INSERT INTO public.rate_counters AS c (key, count, expires_at)
VALUES (%s, %s, now() + make_interval(secs => %s))
ON CONFLICT (key) DO UPDATE SET count = EXCLUDED.count, expires_at = EXCLUDED.expires_at
WHERE c.expires_at <= now()
RETURNING 1
"""
_SET = """
INSERT INTO public.rate_counters AS c (key, count, expires_at)
VALUES (%s, %s, now() + make_interval(secs => %s))
ON CONFLICT (key) DO UPDATE SET count = EXCLUDED.count, expires_at = EXCLUDED.expires_at
RETURNING 1
"""
_INCR = """
UPDATE public.rate_counters SET count = count + %s WHERE key = %s AND expires_at > now()
RETURNING count
"""
_GET = "SELECT count FROM public.rate_counters WHERE key = %s AND expires_at > now()"
_TOUCH = """
UPDATE public.rate_counters SET expires_at = now() + make_interval(secs => %s)
WHERE key = %s AND expires_at > now() RETURNING 1
"""
_DELETE = "DELETE FROM public.rate_counters WHERE key = %s RETURNING 1"
_PURGE = """
DELETE FROM public.rate_counters WHERE key IN (
    SELECT key FROM public.rate_counters WHERE expires_at <= now()
    LIMIT %s FOR UPDATE SKIP LOCKED
)
"""
_CLEAR = "DELETE FROM public.rate_counters"

# Of the process, not of the instance: Django makes a cache object per thread.
_known: dict[tuple[str, str], float] = {}
_made = itertools.count(1)


class CountersCache(BaseCache):
    """Whole numbers with a time to live. ``LOCATION`` is the database alias to count on.

    Database errors propagate: a limit that can't be counted must not be waved through.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._alias = location
        self._epoch_name = self.make_key(epochs.KEY)

    def validate_key(self, key: str) -> None:
        """Any key will do: what Django warns of is memcached's."""

    def add(
        self,
        key: Any,
        value: Any,
        timeout: float | object | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Start the counter at ``value`` unless it exists. Returns whether it was started."""
        name = self.make_and_validate_key(key, version=version)
        if self._remaining(name) is not None:
            return False
        seconds = self._seconds(timeout)
        started = self._one(_ADD, (name, int(value), seconds)) is not None
        self._remember(name, seconds)
        if started and next(_made) % PURGE_EVERY == 0:
            self.purge()
        return started

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Add ``delta`` and return the new count, in one statement.

        Raises:
            ValueError: there is no such counter.
        """
        name = self.make_and_validate_key(key, version=version)
        remaining = self._remaining(name)
        if remaining is not None:
            return self._count(name, delta, remaining)
        count = self._one(_INCR, (delta, name))
        if count is None:
            message = f"There is no counter {key!r}."
            raise ValueError(message)
        return count

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The count, ``default`` when there is none."""
        count = self._one(_GET, (self.make_and_validate_key(key, version=version),))
        return default if count is None else count

    def set(
        self,
        key: Any,
        value: Any,
        timeout: float | object | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        """Set the counter to ``value`` whether or not it exists."""
        name = self.make_and_validate_key(key, version=version)
        seconds = self._seconds(timeout)
        self._one(_SET, (name, int(value), seconds))
        self._remember(name, seconds)

    def touch(
        self,
        key: Any,
        timeout: float | object | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Let the counter live ``timeout`` seconds from now. Returns whether it exists."""
        name = self.make_and_validate_key(key, version=version)
        return self._one(_TOUCH, (self._seconds(timeout), name)) is not None

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Remove the counter. Returns whether it existed."""
        name = self.make_and_validate_key(key, version=version)
        _known.pop((self._alias, name), None)
        return self._one(_DELETE, (name,)) is not None

    def clear(self) -> None:
        """Remove every counter."""
        _known.clear()
        with connections[self._alias].cursor() as cursor:
            cursor.execute(_CLEAR)

    def purge(self) -> int:
        """Remove expired counters, ``PURGE_ROWS_MAX`` at most; two processes never wait for each other.

        Returns how many.
        """
        with connections[self._alias].cursor() as cursor:
            cursor.execute(_PURGE, (PURGE_ROWS_MAX,))
            return int(cursor.rowcount)

    def _count(self, name: str, delta: int, remaining: float) -> int:
        """Count, and tell the epoch that the count has brought along."""
        counts = coalesced_counts.of(self._alias, self._epoch_name)
        counted = counts.count(coalesced_counts.Wanted(name, delta, remaining))
        epochs.tell(counted.epoch)
        return counted.total

    def _one(self, sql: str, arguments: tuple[str | float | None, ...]) -> int | None:
        with preparing_cursor(self._alias) as cursor:
            cursor.execute(sql, arguments)
            row = cursor.fetchone()
        return None if row is None else int(row[0])

    def _seconds(self, timeout: float | object | None) -> float:
        if timeout is None:
            return NEVER_SECONDS
        wanted = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return float(wanted) if isinstance(wanted, int | float) else NEVER_SECONDS

    def _remaining(self, name: str) -> float | None:
        """Seconds that a counter known to this process still has; None when it is not known."""
        expires = _known.get((self._alias, name))
        left = 0.0 if expires is None else expires - time.monotonic()
        return left if left > 0 else None

    def _remember(self, name: str, seconds: float) -> None:
        if len(_known) >= KNOWN_KEYS_MAX:
            # Forgetting costs one extra statement per key, never a wrong count.
            _known.clear()
        _known[self._alias, name] = time.monotonic() + seconds
