"""A thread that asks the server for nothing, again and again, so that its silence is noticed at once.

A stopped server, or a network that swallows everything, is no error: whoever waits for it waits. How long a
statement may take says nothing about it, for a statement may wait for a lock or read much; an empty query has
nothing to wait for. So one connection of its own (not one of a pool) decides for the whole process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from typing import Any

import psycopg
import structlog
from psycopg import errors
from psycopg.abc import RV, PQGen

logger = structlog.stdlib.get_logger(__name__)

#: Between two questions.
PERIOD_SECONDS = 0.25
#: For a new connection of the watch itself; libpq knows whole seconds, and no less than 2.
CONNECT_SECONDS = 2
#: How long a new connection of a pool is put off at most while the server can't be reached.
GATE_SECONDS = 60


class State(Enum):
    """What is known of the server."""

    ANSWERING = "answering"
    #: It accepts what is sent and says nothing.
    SILENT = "silent"
    #: It refuses connections, or loses them: it is down, starts, or has too many.
    UNREACHABLE = "unreachable"


class Watch:
    """What is known of the server now; a watch that was never started knows nothing bad of it."""

    def __init__(self) -> None:
        #: Read at each wait of each connection, without a lock.
        self.silent = False
        self.started = False
        self.state = State.ANSWERING
        self._answering = threading.Event()
        self._answering.set()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, parameters: Callable[[], dict[str, Any]], silence_seconds: float) -> None:
        """Begin to watch, in a thread that ends with the process.

        Args:
            parameters: returns what psycopg connects with.
            silence_seconds: how long an empty query may go unanswered; 0: there is no watch.
        """
        if self.started or not silence_seconds:
            return
        self.started = True
        self._stopped.clear()
        self._thread = threading.Thread(
            target=self._run, args=(parameters, silence_seconds), name="database-watch", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the watch; everything is as if it had never been started."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self.started, self._thread = False, None
        self._learn(State.ANSWERING, None)

    def await_answer(self) -> None:
        """Return once the server answers, for a minute at most.

        A pool that has lost a connection makes a new one with pauses that double. The watch asks at a steady
        pace, so whoever waits here instead connects as soon as the server is back.
        """
        self._answering.wait(GATE_SECONDS)

    def _run(self, parameters: Callable[[], dict[str, Any]], silence_seconds: float) -> None:
        connection: Probe | None = None
        while not self._stopped.is_set():
            try:
                if connection is None:
                    connection = Probe.opened(parameters(), silence_seconds)
                connection.execute("")
                self._learn(State.ANSWERING, None)
            except (errors._WaitTimeout, errors.ConnectionTimeout) as error:  # noqa: SLF001
                connection = _dropped(connection)
                self._learn(State.SILENT, error)
            except Exception as error:  # noqa: BLE001 - a watch that ends would leave its last word standing
                connection = _dropped(connection)
                self._learn(State.UNREACHABLE, error)
            self._stopped.wait(PERIOD_SECONDS)
        _dropped(connection)

    def _learn(self, state: State, error: Exception | None) -> None:
        known, self.state = self.state, state
        self.silent = state is State.SILENT
        if state is State.ANSWERING:
            self._answering.set()
        else:
            self._answering.clear()
        if state is known:
            return
        if state is State.ANSWERING:
            logger.warning("database.answers_again")
        else:
            logger.error(
                "database.unavailable", state=state.value, reason=str(error or "no answer")
            )


class Probe(psycopg.Connection[Any]):
    """A connection whose every wait has an end."""

    silence_seconds: float = 0

    @classmethod
    def opened(cls, parameters: dict[str, Any], silence_seconds: float) -> Probe:
        """Connect; raises psycopg.OperationalError, ``ConnectionTimeout`` when nothing is said."""
        own = {
            "autocommit": True,
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "orgbilling-watch",
        }
        made = cls.connect(**{**parameters, **own})
        made.silence_seconds = silence_seconds
        return made

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Raise ``errors._WaitTimeout`` when the server says nothing for too long."""
        return super().wait(gen, interval, self.silence_seconds if timeout is None else timeout)


def _dropped(connection: Probe | None) -> Probe | None:
    """What is left of a connection that is of no more use."""
    if connection is not None:
        connection.close()
    return None


#: The one of this process.
WATCH = Watch()
