"""What the database answers for, and what is told when it doesn't answer."""

import threading
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from billing.choices import BackupKind
from billing.models import BackupRun, LedgerCheck
from credits import holding
from credits.choices import JournalKind
from credits.models import Allocation, CreditPool
from orgbilling.lib.clock import now
from orgbilling.metrics import asking, snapshot
from orgbilling.metrics.figures import QUESTIONS, TABLES
from tests.metrics.test_counting import spending

pytestmark = pytest.mark.django_db(transaction=True)


def of(samples, name, **labels):
    return samples[f"orgbilling_{name}", tuple(sorted(labels.items()))]


def test_an_empty_service_says_never_and_none(scrape):
    told = scrape()
    assert of(told, "database_up") == 1
    assert of(told, "database_questions_failed") == 0
    for never in ("ledger_proof", "backup", "restore_drill", "worker_sign"):
        assert of(told, f"{never}_timestamp_seconds") == 0
    for none in ("workers", "jobs_due", "jobs_oldest_due_seconds", "holds_pending"):
        assert of(told, none) == 0
    assert of(told, "jobs", status="failed") == 0
    assert of(told, "subscriptions", status="past_due") == 0
    assert of(told, "low_credit_organizations") == 0
    assert of(told, "ledger_violations", check="conservation") == 0
    assert of(told, "journal_entries_total", kind="reset") == 0
    for table in TABLES:
        assert of(told, "table_bytes", table=table) >= 0
    assert 0 < of(told, "database_connections") < of(told, "database_max_connections")


def test_jobs_and_workers(scrape):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, scheduled_at) VALUES"
            " ('default', 'a', 'todo', now() - interval '700 seconds'),"
            " ('default', 'b', 'todo', now() + interval '1 day'),"
            " ('default', 'c', 'failed', NULL)"
        )
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), ('2020-01-01')"
        )
    told = scrape()
    assert of(told, "jobs", status="todo") == 2
    assert of(told, "jobs", status="failed") == 1
    assert of(told, "jobs_due") == 1
    assert 700 <= of(told, "jobs_oldest_due_seconds") < 900
    assert of(told, "workers") == 1
    assert of(told, "worker_sign_timestamp_seconds") > 1.7e9


def test_a_job_without_an_hour_is_due_since_it_was_asked_for(scrape):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status)"
            " VALUES ('default', 'a', 'todo') RETURNING id"
        )
        cursor.execute(
            "UPDATE procrastinate_events SET at = now() - interval '50 seconds' WHERE job_id = %s",
            cursor.fetchone(),
        )
    assert 50 <= of(scrape(), "jobs_oldest_due_seconds") < 200


def test_the_ledger_and_the_backups(scrape):
    broken = [{"check": "conservation", "says": "", "organizations": 1, "rows": 3, "examples": []}]
    run = LedgerCheck.objects.begin(asked_by="system")
    moment = run.started_at
    LedgerCheck.objects.finish(run, as_of=moment, checked=40, violations=3, details=broken)
    LedgerCheck.objects.begin(asked_by="system")
    for kind in (BackupKind.BACKUP, BackupKind.RESTORE_DRILL):
        found = {"file_name": "a", "bytes": 1, "sha256": "0" * 64}
        BackupRun.objects.succeed(BackupRun.objects.begin(kind), **found)
        BackupRun.objects.fail(BackupRun.objects.begin(kind), detail="no room")
    told = scrape()
    assert of(told, "ledger_proof_timestamp_seconds") == pytest.approx(moment.timestamp(), abs=1)
    assert of(told, "ledger_violations", check="conservation") == 3
    assert of(told, "ledger_violations", check="reset_once") == 0
    for kind in ("backup", "restore_drill"):
        begun = BackupRun.objects.last_succeeded(kind).started_at
        assert of(told, f"{kind}_timestamp_seconds") == pytest.approx(begun.timestamp(), abs=1)


def test_holds_and_low_organizations(scrape, funded, bob, globex):
    holding.place(holding.HoldOrder(spending(funded, bob, 40)))
    pool = CreditPool.objects.get(org_id=funded.pk)
    # 8,500 of 10,000 are available: 85 %, and 86 % once 100 of them were used.
    assert of(scrape(), "holds_pending_credits") == 40
    for percent, credits, low in ((85, None, 0), (86, None, 1), (None, 8_500, 0), (None, 8_501, 1)):
        CreditPool.objects.filter(pk=pool.pk).update(
            alert_threshold_percent=percent, alert_threshold_credits=credits
        )
        snapshot._kept.clear()
        assert of(scrape(), "low_credit_organizations") == low, (percent, credits)


def test_the_journal_is_counted_row_by_row_once(funded, bob, monkeypatch):
    monkeypatch.setattr(asking, "SETTLED_SECONDS", 0)
    journal = asking.Journal()
    asking.ask(journal)
    assert journal.kinds == {}
    CreditPool.objects.add(
        org_id=funded.pk,
        credits=5,
        kind=JournalKind.GRANT,
        purchase_amount=0,
        actor="system",
        request_id="metrics",
    )
    for _ in range(2):
        asking.ask(journal)
        assert journal.kinds == {"grant": 1}
    assert Allocation.objects.exists()


def test_after_a_long_silence_the_journal_is_caught_up_with_hour_by_hour(db):
    begun = (now() - timedelta(hours=5)).timestamp()
    journal = asking.Journal(begun)
    asking.ask(journal)
    assert journal.until == begun + asking.WINDOW_SECONDS


def test_one_statement_that_fails_leaves_the_others(scrape, monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE credit_holds RENAME TO credit_holds_elsewhere")
    try:
        told = scrape()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE credit_holds_elsewhere RENAME TO credit_holds")
    assert of(told, "database_up") == 1
    assert of(told, "database_questions_failed") == 1
    assert ("orgbilling_holds_pending", ()) not in told
    assert of(told, "workers") == 0


def test_it_is_asked_once_for_many_scrapes(scrape, monkeypatch):
    asked = []
    ask = asking.ask
    monkeypatch.setattr(snapshot, "ask", lambda journal: asked.append(1) or ask(journal))
    first = scrape()
    assert of(scrape(), "database_figures_timestamp_seconds") == of(
        first, "database_figures_timestamp_seconds"
    )
    assert len(asked) == 1


def test_without_a_connection_the_database_is_down(scrape, monkeypatch):
    def refuse(**parameters):
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(asking.psycopg, "connect", refuse)
    told = scrape()
    assert of(told, "database_up") == 0
    assert ("orgbilling_workers", ()) not in told
    assert of(told, "deducts_total", outcome="accepted") >= 0


def test_a_database_that_keeps_silent_is_not_waited_for(scrape, monkeypatch):
    monkeypatch.setattr(snapshot, "PATIENCE_SECONDS", 0.05)
    answers = threading.Event()
    asked = []
    ask = asking.ask

    def ask_the_silent(journal):
        asked.append(1)
        assert answers.wait(60)
        return ask(journal)

    monkeypatch.setattr(snapshot, "ask", ask_the_silent)
    try:
        # However often it is scraped, one question waits.
        assert [of(scrape(), "database_up") for _ in range(3)] == [0, 0, 0]
        assert len(asked) == 1
    finally:
        answers.set()
    snapshot._asking.thread.join()
    assert of(scrape(), "database_up") == 1
    assert len(asked) == 1


def test_every_figure_is_named_once():
    names = [figure.name for question in QUESTIONS for figure in question.figures]
    assert len(names) == len(set(names))
