"""Charges that are in one statement for certain: they wait behind a call that isn't there, until all have come."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections

from credits import coalescing
from credits.models import Usage
from orgbilling.lib.coalescing import Coalescer, _Call
from tests.concurrency.threads import PATIENCE_SECONDS, attempt


class Gathering:
    """The coalescer of this process while a test says when its calls begin."""

    def __init__(self, coalescer: Coalescer[Any, Any]) -> None:
        self.coalescer = coalescer
        #: Sizes of the statements that were sent for many.
        self.sent: list[int] = []
        self.pids: list[int] = []

    @contextmanager
    def stopped(self):
        """Nothing is sent inside: whoever comes waits."""
        never_ends = _Call([])
        never_ends.began = math.inf
        with self.coalescer._lock:
            self.coalescer._calls.append(never_ends)
        yield
        with self.coalescer._lock:
            self.coalescer._calls.remove(never_ends)
            self.coalescer._wake_next()

    def begun(self, works: Sequence[Callable[[], Any]]) -> list[Future[Any]]:
        """Works that have been sent in one statement, in order; what they come to."""
        pool = ThreadPoolExecutor(len(works))
        futures = []
        with self.stopped():
            for number, work in enumerate(works, 1):
                futures.append(pool.submit(self._run, work))
                deadline = time.monotonic() + PATIENCE_SECONDS
                while len(self.coalescer._queue) < number:
                    assert not futures[-1].done(), futures[-1].result()
                    assert time.monotonic() < deadline
                    time.sleep(0.001)
        pool.shutdown(wait=False)
        return futures

    def together(self, works: Sequence[Callable[[], Any]]) -> list[Any]:
        """What became of works that were sent in one statement, refusals too."""
        return [future.result(PATIENCE_SECONDS) for future in self.begun(works)]

    @staticmethod
    def _run(work: Callable[[], Any]) -> Any:
        try:
            return attempt(work)
        except BaseException as exc:  # noqa: BLE001 - a thread's death is what some tests are about
            return exc
        finally:
            connections.close_all()

    def charged_together(self) -> list[int]:
        """How many usage rows each transaction has written."""
        table = Usage._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table} GROUP BY xmin ORDER BY 1")
            return [count for (count,) in cursor.fetchall()]


@contextmanager
def gathering_charges(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gathering]:
    """A coalescer whose queue nobody leaves out of impatience; what it sends is noted."""
    monkeypatch.setattr(coalescing, "PATIENCE_SECONDS", PATIENCE_SECONDS)
    coalescing._coalescer.cache_clear()
    made = Gathering(coalescing._coalescer())
    send = Usage.objects.charge_many

    def sent(charges: Sequence[Any], **options: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            made.pids.append(cursor.fetchone()[0])
        made.sent.append(len(charges))
        return send(charges, **options)

    monkeypatch.setattr(Usage.objects, "charge_many", sent)
    try:
        yield made
    finally:
        coalescing._coalescer.cache_clear()
    assert not made.coalescer._queue
    assert not made.coalescer._calls
    assert not made.coalescer._beside
