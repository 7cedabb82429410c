"""The counters that all processes share, as one of them sees them: asking, and living through an outage.

They are the cache ``counters``: PostgreSQL's table or Redis. While it can't be reached,
``RATE_LIMIT_FAIL`` decides whether requests are refused or served uncounted. An outage has two lines
in the log, its beginning and its end, however many requests meet it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import psycopg
import structlog
from django.conf import settings
from django.core.cache import caches
from django.db import Error as DjangoDatabaseError
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from orgbilling.lib.connections import discard_dead
from orgbilling.web.refusals import CountersUnavailable

logger = structlog.stdlib.get_logger(__name__)

Answer = TypeVar("Answer")

#: A failure that took this long was a silence: nobody else waits for the next one meanwhile.
SILENCE_SECONDS: Final = 0.5
#: How long a silent store is left alone before one request tries it again.
PAUSE_SECONDS: Final = 1.0
#: Failures that follow each other faster are one outage.
CALM_SECONDS: Final = 1.0

_DATABASE_FAILURES = (DjangoDatabaseError, psycopg.Error)
_FAILURES = (*_DATABASE_FAILURES, RedisError, OSError)


class Usage(NamedTuple):
    """Requests counted in the current window, and the seconds until it ends, at least 1."""

    used: int
    seconds_left: int


class Lost(OSError):
    """A counter vanished twice while it was counted: the store forgets."""


class Store:
    """What this process knows of the store's health; every thread asks through the same one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failing_since: float | None = None
        self._last_failure = 0.0
        self._resume_at = 0.0

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Return what the store answers.

        Raises:
            CountersUnavailable: it fails, or kept silent less than ``PAUSE_SECONDS`` ago.
        """
        if self._resume_at and not self._may_try():
            raise CountersUnavailable
        began = time.monotonic()
        try:
            answer = question()
        except _FAILURES as exc:
            self._fails(began, exc)
            if isinstance(exc, _DATABASE_FAILURES):
                discard_dead()
            raise CountersUnavailable from exc
        if self._failing_since is not None:
            self._answers(began)
        return answer

    def _may_try(self) -> bool:
        """Whether this thread is the one that tries a silent store again."""
        with self._lock:
            now = time.monotonic()
            if now < self._resume_at:
                return False
            self._resume_at = now + PAUSE_SECONDS
            return True

    def _fails(self, began: float, exc: BaseException) -> None:
        with self._lock:
            now = self._last_failure = time.monotonic()
            if now - began >= SILENCE_SECONDS:
                self._resume_at = now + PAUSE_SECONDS
            first = self._failing_since is None
            if first:
                self._failing_since = began
        if first:
            logger.error("counters.unreachable", fail=settings.RATE_LIMIT_FAIL, exc_info=exc)

    def _answers(self, began: float) -> None:
        with self._lock:
            if began >= self._last_failure:
                self._resume_at = 0.0
            since = self._failing_since
            if since is None or began - self._last_failure < CALM_SECONDS:
                return
            self._failing_since = None
        logger.warning("counters.back", seconds=round(began - since, 1))


_store = Store()


def ask(question: Callable[[], Answer]) -> Answer | None:
    """Return what the store answers; None when it can't and ``RATE_LIMIT_FAIL`` is ``open``.

    Raises:
        CountersUnavailable: it can't, and ``RATE_LIMIT_FAIL`` is ``closed``.
    """
    try:
        return _store.ask(question)
    except CountersUnavailable:
        if settings.RATE_LIMIT_FAIL == "open":
            return None
        raise


def usage(policy: str, rate: tuple[int, int], identity: str, *, add: bool) -> Usage:
    """Count a request against ``rate``, ``(requests, seconds)``; without ``add`` only look.

    Raises:
        What the store raises; Lost.
    """
    for _attempt in range(2):
        found = get_usage(
            None, group=policy, key=lambda _group, _request: identity, rate=rate, increment=add
        )
        # A count of nothing that limits: the counter was lost between two questions.
        if found["count"] or not found["should_limit"]:
            # The library's windows end with the last second that it names.
            return Usage(found["count"], max(1, found["time_left"] + 1))
    message = "A counter vanished while it was counted."
    raise Lost(message)


def increment(key: str, seconds: int) -> int:
    """Add one to a counter that lives ``seconds`` from its first count; return the new count.

    Raises:
        What the store raises; Lost.
    """
    cache = caches["counters"]
    for _attempt in range(2):
        if cache.add(key, 1, seconds):
            return 1
        try:
            return int(cache.incr(key))
        except ValueError:
            # It expired between the two questions.
            continue
    message = "A counter vanished while it was counted."
    raise Lost(message)
