"""Jobs: work that is asked for in a transaction and done later, by a worker, at least once.

procrastinate keeps them in the same PostgreSQL, so that a job exists exactly when what caused it was
committed. A job may run twice, late or beside another like it: what it calls decides under locks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

import structlog
from django.db import transaction
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from orgbilling.lib import transactions
from orgbilling.lib.connections import discard_dead
from orgbilling.lib.errors import DatabaseUnavailable, OutcomeUnknown

logger = structlog.stdlib.get_logger(__name__)

Result = TypeVar("Result")

#: Seconds before each retry: 2, 4, 8 and so on up to about an hour; the periodic tasks come round anyway.
RETRY: Final = RetryStrategy(max_attempts=10, exponential_wait=2)
#: Finished jobs are kept for a day, to look at; failed ones for a month.
KEPT_HOURS: Final = 24
FAILED_KEPT_HOURS: Final = 30 * 24


def defer(task: str, **arguments: str) -> None:
    """Ask for a task by its name, in the caller's transaction, to be done once that is committed.

    Nothing is looked for that waits already, and so nobody: two transactions that asked with one key
    would wait for each other.

    Args:
        arguments: what the task is called with; kept as JSON.
    """
    app.configure_task(task).defer(**arguments)


def defer_once(task: str, *, key: str, at: datetime, **arguments: str) -> None:
    """Ask for a task by its name, in the caller's transaction, unless one with this key waits already.

    Args:
        at: not before then, by the clock of the database's server.
        arguments: what the task is called with; kept as JSON.
    """
    try:
        # A savepoint: the unique index that refuses a second one must not end the caller's transaction.
        with transaction.atomic():
            app.configure_task(task, queueing_lock=key, schedule_at=at).defer(**arguments)
    except AlreadyEnqueued:
        return


def run(work: Callable[[], Result]) -> Result:
    """Run a job's work as a transaction of its own, with the retries that a request has.

    Raises:
        DatabaseUnavailable, OutcomeUnknown: as ``transactions.run``; the job is retried later, and by
            then the pool has dropped its dead connections.
    """
    try:
        return transactions.run(work)
    except (DatabaseUnavailable, OutcomeUnknown):
        discard_dead()
        raise


@app.task(name="jobs.retry_stalled", queueing_lock="jobs.retry_stalled", pass_context=True)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """Give the jobs of a worker that was killed to another one; it is dead without a sign for 30 seconds."""
    del timestamp
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        # Each is a transaction of its own: none is lost for another.
        try:
            await _retry(manager, job)
        except ConnectorException:
            logger.exception("job.not_handed_over", job_id=job.id, task=job.task_name)


async def _retry(manager: JobManager, job: Job) -> None:
    """Let a stalled job be done again; unless one with its key waits already, which does the same."""
    try:
        await manager.retry_job(job)
    except UniqueViolation:
        await manager.finish_job(job, Status.ABORTED, delete_job=False)


@app.task(name="jobs.purge", queueing_lock="jobs.purge", pass_context=True)
async def purge(context: JobContext, timestamp: int) -> None:
    """Delete the jobs that ended long enough ago."""
    del timestamp
    manager = context.app.job_manager
    await manager.delete_old_jobs(nb_hours=KEPT_HOURS)
    await manager.delete_old_jobs(
        nb_hours=FAILED_KEPT_HOURS,
        include_failed=True,
        include_cancelled=True,
        include_aborted=True,
    )
