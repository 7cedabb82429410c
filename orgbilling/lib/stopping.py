"""Whether the worker is to stop: for jobs that last, and would keep it from stopping."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from procrastinate import JobContext

_ASK: ContextVar[Callable[[], bool]] = ContextVar("orgbilling_worker_stops")


def is_stopping() -> bool:
    """Whether this job's worker has been asked to stop; False outside of a worker."""
    ask = _ASK.get(None)
    return ask is not None and ask()


async def knows_of_stop(
    call_next: Callable[[], Awaitable[Any]], context: JobContext, worker: Any
) -> Any:
    """Let a job ask: a middleware of procrastinate's worker.

    procrastinate tells a job only after the worker's patience is over (`shutdown_graceful_timeout`); its event says
    it at once. It is an attribute of the worker that may go away: then jobs are told late.
    """
    stop = getattr(worker, "_stop_event", None)

    def asked() -> bool:
        return context.should_abort() or (stop is not None and stop.is_set())

    token = _ASK.set(asked)
    try:
        return await call_next()
    finally:
        _ASK.reset(token)
