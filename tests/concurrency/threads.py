"""Real connections in threads: many at once, or two of which one is seen waiting for the other."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Generic, TypeVar

from django.db import DatabaseError, connection, connections, transaction

from orgbilling.lib.errors import OrgBillingError

Result = TypeVar("Result")
PATIENCE_SECONDS = 60


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
        self._pids: SimpleQueue[int] = SimpleQueue()
        self._pool = ThreadPoolExecutor(1)
        self._future = self._pool.submit(self._run, work)
        self._pid = self._pids.get(timeout=PATIENCE_SECONDS)

    def _run(self, work: Callable[[], Result]) -> Result | Exception:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self._pids.put(cursor.fetchone()[0])
            return attempt(work)
        finally:
            connections.close_all()

    def is_stuck(self) -> bool:
        """Look until it waits for a lock of another (True) or is done without having waited."""
        with connection.cursor() as cursor:
            while not self._future.done():
                cursor.execute(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %s", [self._pid]
                )
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
