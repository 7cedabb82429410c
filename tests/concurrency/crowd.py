"""A crowd that stays: threads that keep their connections from one round to the next."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

from tests.concurrency.threads import PATIENCE_SECONDS, attempt

#: PostgreSQL lets a hundred in; the test itself, its counters and those who only look need some.
CONNECTIONS = 80


class Crowd:
    """Runs a piece of work in each thread at the same moment, round after round."""

    def __init__(self, pool: ThreadPoolExecutor, size: int) -> None:
        self.pool, self.size = pool, size
        self.gate = threading.Barrier(size)

    def together(self, work: Callable[[int], Any]) -> list[Any]:
        """What became of the work in each thread, refusals too; it is told the thread's number."""

        def start(number: int) -> Any:
            connection.ensure_connection()
            # Each waits here for the others, so that no thread takes two.
            self.gate.wait(PATIENCE_SECONDS)
            return attempt(lambda: work(number))

        return list(self.pool.map(start, range(self.size)))


@contextmanager
def crowd(size: int) -> Iterator[Crowd]:
    """That many threads, each with a connection of its own as long as the crowd stays."""
    with ThreadPoolExecutor(size) as pool:
        made = Crowd(pool, size)
        try:
            yield made
        finally:
            made.together(lambda _number: connections.close_all())


@contextmanager
def many_connections() -> Iterator[None]:
    """Let so many threads be connected at once, and not ten that the others wait for."""
    options = connection.settings_dict["OPTIONS"]["pool"]
    before = dict(options)
    connection.close()
    connection.close_pool()
    options["max_size"] = CONNECTIONS
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()
        options.update(before)
