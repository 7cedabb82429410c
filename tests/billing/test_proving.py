"""The proof as a job: what it keeps, and what becomes of one that is ended half-way."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import jobs, proving
from billing.managers import ledger_checks
from billing.models import LedgerCheck
from billing.reports import ledger_health
from billing.verification import EVERY
from orgbilling.lib.clock import now
from orgbilling.schedule import TABLE
from tests.ledger import fund

pytestmark = pytest.mark.django_db(transaction=True)


def forge(organization):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('orgbilling.door', 'open', false)")
        cursor.execute(
            "UPDATE organization_credit_pools SET total_credits = total_credits + 1 WHERE org_id = %s",
            [organization.pk],
        )
        cursor.execute("SELECT set_config('orgbilling.door', '', false)")


def test_a_sound_ledger_has_a_run_without_violations(alpha):
    fund(alpha, 100)
    assert ledger_health().last is None
    assert ledger_health().is_late
    jobs.verify_ledger(asked_by="user:1")
    health = ledger_health()
    assert (health.is_sound, health.is_running, health.is_late) == (True, False, False)
    last = health.last
    assert (last.checked, last.violations, last.details) == (len(EVERY), 0, [])
    assert last.asked_by == "user:1"
    assert last.started_at <= last.as_of <= last.finished_at
    assert last.seconds >= 0


def test_what_is_broken_is_kept_with_examples(alpha, globex):
    forge(alpha)
    run = proving.prove()
    assert not ledger_health().is_sound
    assert run.violations == sum(broken["rows"] for broken in run.details) > 0
    broken = next(one for one in run.details if one["check"] == "pool_total")
    assert (broken["organizations"], broken["rows"]) == (1, 1)
    assert broken["says"].startswith("Pool: total")
    assert broken["examples"][0]["org_id"] == str(alpha.pk)
    assert (broken["examples"][0]["expected"], broken["examples"][0]["found"]) == ("0", "1")


def test_examples_are_bounded(monkeypatch, alpha, globex):
    forge(alpha)
    forge(globex)
    monkeypatch.setattr(proving, "EXAMPLES", 1)
    broken = next(one for one in proving.prove().details if one["check"] == "pool_total")
    assert (broken["organizations"], len(broken["examples"])) == (2, 1)


def test_one_ended_half_way_counts_for_nothing(monkeypatch, alpha):
    def killed(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(proving, "verify", killed)
        with pytest.raises(KeyboardInterrupt):
            proving.prove()
    assert LedgerCheck.objects.get().finished_at is None
    health = ledger_health()
    assert (health.last, health.is_running, health.is_sound) == (None, True, False)
    proving.prove()
    assert ledger_health().is_sound
    assert LedgerCheck.objects.count() == 2
    LedgerCheck.objects.filter(finished_at=None).update(started_at=now() - timedelta(hours=2))
    assert not ledger_health().is_running


def test_an_old_run_is_late_however_good(alpha):
    run = proving.prove()
    long_ago = now() - timedelta(days=3)
    LedgerCheck.objects.filter(pk=run.pk).update(started_at=long_ago, finished_at=long_ago)
    health = ledger_health()
    assert (health.is_late, health.last.is_sound, health.is_sound) == (True, True, False)


def test_only_the_last_runs_are_kept(monkeypatch, alpha):
    monkeypatch.setattr(ledger_checks, "KEPT", 3)
    runs = [proving.prove() for _ in range(5)]
    kept = set(LedgerCheck.objects.values_list("pk", flat=True))
    assert kept == {run.pk for run in runs[2:]}


def test_writers_are_not_blocked_while_it_reads(monkeypatch, alpha):
    """It holds no lock that conflicts with a writer's."""
    modes = set()
    verify = proving.verify

    def watched(checks):
        for result in verify(checks):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'"
                )
                modes.update(mode for (mode,) in cursor.fetchall())
            yield result

    monkeypatch.setattr(proving, "verify", watched)
    proving.prove()
    assert modes == {"AccessShareLock"}


def test_it_is_asked_for_once_at_a_time_and_every_day(alpha):
    with transaction.atomic():
        proving.ask(asked_by="user:1")
        proving.ask(asked_by="user:2")
    waiting = ProcrastinateJob.objects.filter(task_name=proving.TASK, status="todo")
    assert [job.args for job in waiting] == [{"asked_by": "user:1"}]
    assert [row.cron for row in TABLE if row.task is jobs.verify_ledger] == ["41 4 * * *"]
