"""What procrastinate's worker says of a job, as events of ours: its sentences would show every argument."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from orgbilling.lib.logs.context import bound

if TYPE_CHECKING:
    from procrastinate import JobContext

#: By the action that procrastinate names.
JOB_EVENTS: Final = {
    "start_job": "job.started",
    "job_success": "job.finished",
    "job_error": "job.failed",
    "job_error_retry": "job.failed",
    "job_aborted": "job.aborted",
    "job_aborted_retry": "job.aborted",
}
_RETRIED: Final = "_retry"
_ENDED: Final = frozenset(JOB_EVENTS) - {"start_job"}


async def within_job(
    call_next: Callable[[], Awaitable[Any]], context: JobContext, _worker: Any
) -> Any:
    """Have every line that is logged during a job name it: a middleware of procrastinate's worker."""
    with bound(job_id=context.job.id):
        return await call_next()


def job_event(record: logging.LogRecord) -> dict[str, Any] | None:
    """What a record says of a job; None when it says something else."""
    action = getattr(record, "action", None)
    job = getattr(record, "job", None)
    if not isinstance(action, str) or action not in JOB_EVENTS or not isinstance(job, dict):
        return None
    arguments: dict[str, Any] = job.get("task_kwargs") or {}
    event: dict[str, Any] = {
        "event": JOB_EVENTS[action],
        "job_id": job.get("id"),
        "task": job.get("task_name"),
        "queue": job.get("queue"),
        # procrastinate counts those that ended.
        "attempt": int(job.get("attempts") or 0) + 1,
    }
    if "org_id" in arguments:
        event["org_id"] = str(arguments["org_id"])
    if action in _ENDED:
        event["duration_ms"] = round(1000 * float(getattr(record, "duration", 0.0)), 1)
        event["retried"] = action.endswith(_RETRIED)
    return event
