"""A real worker on the test's database does what transactions asked for."""

import asyncio
import logging
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, connections
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from procrastinate.jobs import Status
from procrastinate.manager import JobManager

from billing import renewal, sweeping
from billing.alarm import TASK
from billing.managers.payments import ISSUE_TASK
from billing.models import BillingEvent, Subscription
from billing.subscribing import Order, subscribe
from orgbilling.lib import jobs
from orgbilling.lib.clock import now, simulated
from orgbilling.lib.errors import DatabaseUnavailable
from tests.ledger import ORIGIN

pytestmark = pytest.mark.django_db(transaction=True)


def work_until_idle():
    """A worker of its own connections, until nothing is left to do."""
    try:
        with app.replace_connector(app.connector.get_worker_connector()) as worker:
            worker.run_worker(wait=False, listen_notify=False, install_signal_handlers=False)
    finally:
        connections.close_all()


@pytest.fixture
def overdue(alpha):
    """A subscription of forty days ago, whose alarm has rung unheard."""
    with simulated(now() - timedelta(days=40)):
        return subscribe(organization=alpha, order=Order("platform"), origin=ORIGIN)


def states(task):
    return list(
        ProcrastinateJob.objects.filter(task_name=task)
        .order_by("id")
        .values_list("status", flat=True)
    )


def test_a_worker_renews_what_is_due_and_sets_the_next_alarm(overdue):
    assert states(TASK) == ["todo"]
    work_until_idle()
    assert BillingEvent.objects.filter(event_type="subscription_renewed").count() == 1
    assert Subscription.objects.get().current_period_end > now()
    assert sorted(states(TASK)) == ["succeeded", "todo"]


def test_a_job_of_a_killed_worker_is_given_to_another(overdue):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '31 s') RETURNING id"
        )
        (dead,) = cursor.fetchone()
        # It had begun all that waited: the alarm, and the invoice of the first period.
        for _ in states(TASK) + states(ISSUE_TASK):
            cursor.execute("SELECT id FROM procrastinate_fetch_job_v2(NULL, %s)", [dead])
    assert states(TASK) == ["doing"]
    jobs.retry_stalled.configure(queueing_lock="one").defer(timestamp=0)
    work_until_idle()
    # It is tried again at once, but by the next round: this worker had looked already.
    work_until_idle()
    assert sorted(states(TASK)) == ["succeeded", "todo"]
    assert set(states(ISSUE_TASK)) == {"succeeded"}
    assert not ProcrastinateWorker.objects.filter(pk=dead).exists()


SWEEP = "billing.advance_due"


@pytest.fixture
def stalled(overdue):
    """A killed worker's jobs: first a sweep, after which the next one waits already, then an alarm."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '31 s') RETURNING id"
        )
        (dead,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args, status, worker_id)"
            " VALUES ('default', %s, %s, '{\"timestamp\": 1}', 'doing', %s)",
            [SWEEP, SWEEP, dead],
        )
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id)"
            " SELECT queue_name, task_name, args, 'doing', %s FROM procrastinate_jobs WHERE task_name = %s",
            [dead, TASK],
        )
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)"
            " VALUES ('default', %s, %s, '{\"timestamp\": 2}')",
            [SWEEP, SWEEP],
        )


def retry_stalled():
    """The periodic task, on a worker's connections, and nothing else."""

    async def work():
        connector = app.connector.get_worker_connector()
        with app.replace_connector(connector) as worker:
            async with worker.open_async():
                await jobs.retry_stalled.func(SimpleNamespace(app=worker), 0)

    asyncio.run(work())


def test_a_stalled_job_whose_successor_waits_is_given_up_and_stops_no_other(stalled):
    retry_stalled()
    assert states(SWEEP) == ["aborted", "todo"]
    assert states(TASK) == ["todo", "todo"]


def test_one_that_was_done_meanwhile_stops_no_other(stalled, monkeypatch, caplog):
    retry_job = JobManager.retry_job

    async def done_meanwhile(manager, job):
        if job.task_name == SWEEP:
            await manager.finish_job(job, Status.SUCCEEDED, delete_job=False)
        await retry_job(manager, job)

    monkeypatch.setattr(JobManager, "retry_job", done_meanwhile)
    with caplog.at_level(logging.CRITICAL):
        retry_stalled()
    assert states(SWEEP) == ["succeeded", "todo"]
    assert states(TASK) == ["todo", "todo"]


def test_a_job_that_fails_is_tried_again_later(overdue, monkeypatch, caplog):
    def fail(**_values):
        raise DatabaseUnavailable

    discarded = []
    monkeypatch.setattr(renewal, "advance", fail)
    monkeypatch.setattr(sweeping, "advance_due", lambda: 0)
    monkeypatch.setattr(jobs, "discard_dead", lambda: discarded.append(1))
    with caplog.at_level(logging.CRITICAL):
        work_until_idle()
    job = ProcrastinateJob.objects.get(task_name=TASK)
    assert (job.status, job.attempts, len(discarded)) == ("todo", 1, 1)
    assert job.scheduled_at > now()


def test_old_jobs_are_deleted_and_younger_ones_kept(overdue):
    work_until_idle()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_events SET at = at - interval '25 hours'")
    jobs.purge.defer(timestamp=0)
    work_until_idle()
    assert states(TASK) == ["todo"]
    assert states("jobs.purge") == ["succeeded"]
