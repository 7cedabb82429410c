"""A job that lasts learns at once that its worker is to stop."""

import asyncio
from types import SimpleNamespace

from procrastinate.contrib.django import app
from procrastinate.worker import Worker

from orgbilling.lib.stopping import is_stopping, knows_of_stop


def within(worker, *, aborted=False):
    """What a job is told before and after its worker is asked to stop."""

    async def run():
        told = []

        async def job():
            told.append(await asyncio.to_thread(is_stopping))
            if hasattr(worker, "_stop_event"):
                worker._stop_event.set()
            told.append(await asyncio.to_thread(is_stopping))

        await knows_of_stop(job, SimpleNamespace(should_abort=lambda: aborted), worker)
        return told

    return asyncio.run(run())


def test_a_job_is_told_when_its_worker_is_asked_to_stop():
    worker = SimpleNamespace(_stop_event=asyncio.Event())
    assert within(worker) == [False, True]
    assert not is_stopping()


def test_without_that_event_it_is_told_when_it_is_aborted():
    assert within(SimpleNamespace()) == [False, False]
    assert within(SimpleNamespace(), aborted=True) == [True, True]


def test_procrastinate_s_worker_has_the_event():
    assert not Worker(app=app)._stop_event.is_set()
