"""A change and the job that it asks for are one transaction; what was missed is swept up."""

import logging
from datetime import timedelta

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import cancellation, jobs, renewal, sweeping
from billing.alarm import TASK
from billing.jobs import advance_due, advance_subscription
from billing.managers.payments import ISSUE_TASK
from billing.models import Subscription
from orgbilling.lib.clock import simulated
from orgbilling.schedule import TABLE
from tests.billing.clockwork import advance, billed, day, pay, told
from tests.billing.conftest import ORIGIN
from tests.factories import make_organization

START = day("2026-11-01")
END = day("2026-12-01")
DUE = START + timedelta(days=14)


def alarms(subscription):
    """When the alarms of a subscription are set for."""
    rows = ProcrastinateJob.objects.filter(
        task_name=TASK, args__subscription_id=str(subscription.pk), status="todo"
    )
    return sorted(row.scheduled_at for row in rows)


def test_the_alarm_is_set_for_the_next_turning_point(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    assert alarms(subscription) == [DUE]
    job = ProcrastinateJob.objects.get(task_name=TASK)
    assert job.args == {"org_id": str(alpha.pk), "subscription_id": str(subscription.pk)}
    pay(subscription, START)
    assert alarms(subscription) == [DUE, END]


def test_a_trial_s_alarm_is_its_end(alpha, subscribed):
    assert alarms(subscribed(alpha, at=START, trial_days=7)) == [START + timedelta(days=7)]


def test_a_renewal_sets_the_next_one_and_no_moment_has_two(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    pay(subscription, START)
    advance(subscription, END)
    assert alarms(subscription) == [DUE, END, END + timedelta(days=14)]
    with simulated(END):
        for ends in (True, False):
            cancellation.set_at_period_end(
                org_id=alpha.pk, subscription_id=subscription.pk, ends=ends, origin=ORIGIN
            )
    assert alarms(subscription) == [DUE, END, END + timedelta(days=14)]


def test_a_past_due_one_s_alarm_is_the_earlier_of_period_and_end(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    advance(subscription, DUE)
    assert alarms(subscription) == [DUE, END]
    advance(subscription, END)
    assert alarms(subscription) == [DUE, END, DUE + timedelta(days=30)]


def test_a_transaction_that_fails_asks_for_nothing(alpha, subscribed):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        subscribed(alpha, at=START)
        raise ZeroDivisionError
    assert ProcrastinateJob.objects.count() == 0


def test_a_canceled_one_has_no_alarm(alpha, subscribed):
    subscription = subscribed(alpha, at=START, trial_days=7)
    with simulated(START):
        cancellation.cancel(org_id=alpha.pk, subscription_id=subscription.pk, origin=ORIGIN)
    assert alarms(subscription) == [START + timedelta(days=7)]
    with simulated(END):
        advance_subscription(org_id=str(alpha.pk), subscription_id=str(subscription.pk))
    assert told(subscription) == ["subscription_canceled"]


def test_the_job_brings_it_up_to_now(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    with simulated(END):
        for _ in range(2):
            advance_subscription(org_id=str(alpha.pk), subscription_id=str(subscription.pk))
    assert told(subscription) == ["subscription_renewed", "payment_overdue"]


def test_the_sweep_finds_what_is_due_and_nothing_else(subscribed):
    due = {
        "a period that is over": subscribed(make_organization(), at=START),
        "a trial that is over": subscribed(
            make_organization(), at=END - timedelta(days=8), trial_days=7
        ),
        "a charge that is overdue": subscribed(make_organization(), at=END - timedelta(days=20)),
    }
    quiet = [
        subscribed(make_organization(), at=END - timedelta(days=3)),
        subscribed(make_organization(), at=END - timedelta(days=3), trial_days=7),
    ]
    with simulated(END):
        found = set(Subscription.objects.due(END).values_list("pk", flat=True))
        assert found == {one.pk for one in due.values()}
        assert sweeping.advance_due(limit=2) == 2
        assert sweeping.advance_due() == 1
        assert sweeping.advance_due() == 0
    assert [told(one) for one in quiet] == [[], []]
    assert all(len(told(one)) for one in due.values())


def test_one_that_fails_stops_no_other(subscribed, monkeypatch, caplog):
    broken, sound = (subscribed(make_organization(), at=START) for _ in range(2))
    bring_up = renewal.bring_up

    def fail(subscription, *arguments, **options):
        if subscription.pk == broken.pk:
            raise ZeroDivisionError
        return bring_up(subscription, *arguments, **options)

    monkeypatch.setattr(renewal, "bring_up", fail)
    with simulated(END), caplog.at_level(logging.ERROR, "billing.sweeping"):
        assert sweeping.advance_due() == 1
    assert [record.event_fields["subscription_id"] for record in caplog.records] == [broken.pk]
    assert len(billed(broken)) == 1
    assert len(billed(sound)) == 2


def test_the_periodic_job_sweeps(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    with simulated(END):
        advance_due(timestamp=0)
    assert len(billed(subscription)) == 2


def test_every_task_is_known_to_the_worker_and_every_periodic_one_is_in_the_table():
    assert jobs.advance_subscription.name == TASK
    assert jobs.issue_invoices.name == ISSUE_TASK
    assert {TASK, ISSUE_TASK} <= set(app.tasks)
    for row in TABLE:
        assert app.tasks[row.task.name] is row.task
        # A run that is waited for is asked for once.
        assert row.task.queueing_lock
    known = {name for name, _ in app.periodic_registry.periodic_tasks}
    assert known == {row.task.name for row in TABLE}


def test_jobs_are_in_the_ledger_s_own_database(db):
    assert ProcrastinateJob.objects.db == connection.alias
