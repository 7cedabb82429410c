"""No more requests at work than there are connections; the others wait in line, for as long as the line moves.

Without it a few slow statements would hold every thread, and who comes then would wait without an end and without
an answer: what waits for a thread can't be told anything. So a process has more threads than places, and whoever
has waited too long in line is told to come again, and so is, at once, everybody behind.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Final

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from orgbilling.lib.errors import DatabaseUnavailable
from orgbilling.web.body import drain
from orgbilling.web.failures import unavailable

logger = structlog.stdlib.get_logger(__name__)

#: Asked by monitors, who want an answer just then; the second uses connections, but few and seldom.
FREE: Final = frozenset({"/health", "/ready", "/metrics"})
#: How long after somebody has waited in vain nobody else waits: what Retry-After says too.
REFUSING_SECONDS: Final = 1.0
BUSY: Final = (
    "All connections to the database have been in use for too long. Nothing was changed; "
    "retry with the same idempotency key."
)


class Line:
    """Places that are given out in the order of arrival.

    Args:
        places: how many may be at work at once.
        patience_seconds: how long one waits for a place at most.
    """

    def __init__(self, places: int, patience_seconds: float) -> None:
        self._free = places
        self._patience = patience_seconds
        self._refusing_until = 0.0
        self._moved_at = float("-inf")
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    def enter(self) -> bool:
        """Take a place, after a wait if need be. Returns False when there was none to be had in time."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if time.monotonic() < self._refusing_until:
                return False
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=self._patience):
            return True
        if time.monotonic() - self._moved_at < self._patience and turn.acquire(
            timeout=self._patience / 2
        ):
            # Slow, but not stuck: half as long again, and no longer.
            return True
        return self._given_up(turn)

    def leave(self) -> None:
        """Give the place to who waits longest."""
        with self._lock:
            self._moved_at = time.monotonic()
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

    def _given_up(self, turn: threading.Lock) -> bool:
        """Step out of the line; True when the place came in that very moment."""
        with self._lock:
            if turn not in self._waiting:
                return True
            self._waiting.remove(turn)
            logger.warning("request.waited_in_vain", seconds=self._patience)
            self._refusing_until = time.monotonic() + REFUSING_SECONDS
            return False


@cache
def _line(places: int, patience_seconds: float) -> Line:
    """The one of this process, by whichever door a request comes: they share the connections."""
    return Line(places, patience_seconds)


@cache
def _streams(places: int) -> threading.BoundedSemaphore:
    """Who reads a stream slowly keeps a place and a connection: so they never have all of them."""
    return threading.BoundedSemaphore(max(1, places // 2))


class AdmissionMiddleware:
    """Lets as many requests work at once as the process has connections, and no more."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.line = _line(settings.DB_POOL_SIZE, settings.REQUEST_WAIT_MS / 1000)
        self.streams = _streams(settings.DB_POOL_SIZE)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request, or answer 503."""
        if request.path_info in FREE:
            return self.get_response(request)
        entered = self.line.enter()
        response = self._serve(request) if entered else _refused(request)
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            drain(request)
        return response

    def _serve(self, request: HttpRequest) -> HttpResponseBase:
        keeps = False
        try:
            response = self.get_response(request)
            keeps = response.streaming
        finally:
            if not keeps:
                self.line.leave()
        if keeps and not self.streams.acquire(blocking=False):
            response.close()
            self.line.leave()
            return _refused(request)
        if keeps:
            # What is streamed is read from the database until its end; Django closes its own there, too.
            response._resource_closers.append(self._streamed)  # type: ignore[attr-defined]  # noqa: SLF001
        return response

    def _streamed(self) -> None:
        self.streams.release()
        self.line.leave()


def _refused(request: HttpRequest) -> HttpResponseBase:
    return unavailable(request, DatabaseUnavailable(BUSY))
