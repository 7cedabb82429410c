"""Real connections in threads: many at once, or two of which one is seen waiting for the other."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from django.db import DatabaseError, connection, connections, transaction

from orgbilling.database.citus import is_distributed
from orgbilling.lib.errors import OrgBillingError

Result = TypeVar("Result")
_numbers = itertools.count(1)
PATIENCE_SECONDS = 60
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = %s AND wait_event_type = 'Lock'
"""
#: Of this database alone: beside it another one of the same server has tests with locks of their own.
AWAITED = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""
# The lock is a worker's; its session carries the number of the one that asked.
WAITING_ON_CITUS = "SELECT count(*) FROM citus_lock_waits WHERE mod(waiting_gpid, 10000000000) = %s"


def await_lock(ended: Callable[[], bool] = lambda: False) -> int | None:
    """The server's process that waits for a lock of another, once there is one; None when it has ended before."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with connection.cursor() as cursor:
        while not ended():
            assert time.monotonic() < deadline, "Nobody waits for a lock."
            # Within a transaction the first look would be kept.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(AWAITED)
            if found := cursor.fetchone():
                return int(found[0])
    return None


def attempt(work: Callable[[], Result]) -> Result | Exception:
    """What the work returned, or how it was refused; a caller's transaction stays usable."""
    try:
        if not connection.in_atomic_block:
            return work()
        with transaction.atomic():
            return work()
    except (OrgBillingError, DatabaseError) as exc:
        return exc


class Elsewhere(Generic[Result]):
    """One piece of work on a connection of its own, which begins at once."""

    def __init__(self, work: Callable[[], Result]) -> None:
        # A pooler of transactions gives each statement another process of the server, but keeps its client's name.
        self._name = f"elsewhere-{next(_numbers)}"
        self._connected = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._future = self._pool.submit(self._run, work)
        assert self._connected.wait(PATIENCE_SECONDS)

    def _run(self, work: Callable[[], Result]) -> Result | Exception:
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('application_name', %s, false), pg_backend_pid()",
                    [self._name],
                )
                self._pid = cursor.fetchone()[1]
            self._connected.set()
            return attempt(work)
        finally:
            connections.close_all()

    def is_stuck(self) -> bool:
        """Look until it waits for a lock of another (True) or is done without having waited."""
        waiting = (WAITING, [self._name])
        if is_distributed(connection):
            waiting = (WAITING_ON_CITUS, [self._pid])
        with connection.cursor() as cursor:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not self._future.done():
                assert time.monotonic() < deadline, "It neither waits nor ends."
                # Within a transaction the first look would be kept.
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(*waiting)
                if cursor.fetchone()[0]:
                    return True
        return False

    def result(self) -> Result | Exception:
        """What became of it."""
        with self._pool:
            return self._future.result(timeout=PATIENCE_SECONDS)


def together(works: Iterable[Callable[[], Result]]) -> list[Result | Exception]:
    """Start all the works at the same moment, each in its thread; what became of each, in order."""
    listed = list(works)
    gate = threading.Barrier(len(listed))

    def start(work: Callable[[], Result]) -> Result | Exception:
        gate.wait(PATIENCE_SECONDS)
        try:
            return attempt(work)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(listed)) as pool:
        return list(pool.map(start, listed))
