"""The dashboard of whoever runs the service: exact figures, the ledger's health, and who may look."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import proving
from billing.models import BackupRun, LedgerCheck, Subscription
from billing.subscribing import Order, subscribe
from credits.deducting import deduct
from credits.functions import Origin
from orgbilling.lib.clock import now
from tests.factories import make_organization
from tests.ledger import charge, fund

pytestmark = pytest.mark.django_db
PAGES = ("system/", "system/audit/", "system/organizations/", "system/ledger-check/")
MOST_QUERIES = 25


@pytest.fixture
def admins(system_admin):
    client = Client()
    client.force_login(system_admin)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_only_system_admins_look(alpha, alice, bob, page):
    for person in (alice, bob):
        client = Client()
        client.force_login(person)
        assert client.get(f"/admin/{page}").status_code == 403
        assert client.post(f"/admin/{page}").status_code == 403
    assert ProcrastinateJob.objects.filter(task_name=proving.TASK).count() == 0


def test_revenue_credits_and_usage(funded, alice, admins):
    subscribe(organization=funded, order=Order(plan="platform"), origin=Origin("system", "t"))
    other = make_organization()
    subscribe(organization=other, order=Order(plan="hybrid"), origin=Origin("system", "t"))
    deduct(charge(funded, alice, 250))
    page = admins.get("/admin/system/")
    report = page.context["report"]
    assert str(report.revenue.mrr) == "149.00"
    assert str(report.revenue.arr) == "1788.00"
    assert [part.value for part in page.context["credits_bar"]] == [250, 0, 1_250, 8_500]
    assert sum(part.value for part in page.context["credits_bar"]) == report.credits.total
    assert page.context["chart"].total == 250
    counted = {plan["name"]: plan["counts"] for plan in page.context["plans"]}
    assert counted["Platform"] == [0, 1, 0, 0, 0]
    assert counted["BYOK"] == [0, 0, 0, 0, 0]


def test_past_due_organizations_are_listed_with_what_they_owe(alpha, admins):
    subscribe(organization=alpha, order=Order(plan="platform"), origin=Origin("system", "t"))
    Subscription.objects.filter(org=alpha).update(status="past_due", past_due_since=now())
    page = admins.get("/admin/system/")
    (row,) = page.context["report"].past_due
    assert (row.org_id, str(row.owed)) == (alpha.pk, "50.00")
    assert f"/admin/org/{alpha.pk}/" in page.content.decode()


def a_run(*, hours, violations=0):
    run = LedgerCheck.objects.begin(asked_by="system")
    LedgerCheck.objects.filter(pk=run.pk).update(started_at=now() - timedelta(hours=hours))
    run.refresh_from_db()
    details = [{"check": "pool_total", "says": "Said.", "organizations": 1, "rows": violations}]
    return LedgerCheck.objects.finish(
        run, as_of=now(), checked=50, violations=violations, details=details if violations else []
    )


@pytest.mark.parametrize(
    ("run", "badge"),
    [
        (None, "Never checked"),
        ({"hours": 1}, "Sound"),
        ({"hours": 35}, "Sound"),
        ({"hours": 37}, "Not checked lately"),
        ({"hours": 1, "violations": 3}, "Broken"),
    ],
)
def test_the_ledgers_health(admins, run, badge):
    if run is not None:
        a_run(**run)
    text = admins.get("/admin/system/").content.decode()
    assert f">{badge}</span>" in text
    assert ("ob-badge-good" in text) == (badge == "Sound")
    assert ("pool_total" in text) == (badge == "Broken")


def test_check_now_asks_once_however_often_it_is_sent(admins, system_admin):
    for _ in range(3):
        answer = admins.post("/admin/system/ledger-check/", follow=True)
        assert answer.redirect_chain == [("/admin/system/", 302)]
        assert "The ledger is being checked" in answer.content.decode()
    (job,) = ProcrastinateJob.objects.filter(task_name=proving.TASK)
    assert job.args["asked_by"] == f"user:{system_admin.pk}"
    assert admins.get("/admin/system/").context["jobs"].waiting == 1
    assert admins.get("/admin/system/ledger-check/").status_code == 302


def test_organizations_are_found_by_a_part_of_the_name(alpha, globex, admins):
    fund(alpha, 1_234)
    page = admins.get("/admin/system/organizations/?q=org+ALPHA")
    (row,) = page.context["rows"]
    assert (row.org_id, row.members, row.available) == (alpha.pk, 2, 1_234)
    assert admins.get("/admin/system/organizations/?q=nobody").context["rows"] == []
    assert admins.get("/admin/system/organizations/?q=%00").context["rows"] == []
    assert len(admins.get("/admin/system/organizations/?page=x").context["rows"]) == 2


def test_queries_are_bounded(admins):
    for number in range(60):
        fund(make_organization(f"tenant-{number}"), 10)
    for page in ("system/", "system/organizations/"):
        with CaptureQueriesContext(connection) as queries:
            assert admins.get(f"/admin/{page}").status_code == 200
        assert len(queries) <= MOST_QUERIES, page
    page = admins.get("/admin/system/organizations/?page=2")
    assert len(page.context["rows"]) == 10


def a_backup(kind, *, hours, fails=False):
    run = BackupRun.objects.begin(kind)
    if fails:
        BackupRun.objects.fail(run, detail="The disk is full.")
    else:
        BackupRun.objects.succeed(run, file_name="x.dump", bytes=1, sha256="0" * 64)
    BackupRun.objects.filter(pk=run.pk).update(started_at=now() - timedelta(hours=hours))


@pytest.mark.parametrize(
    ("runs", "badge"),
    [
        ([], "None yet"),
        ([("backup", 1, False)], "Not proved yet"),
        ([("backup", 35, False), ("restore_drill", 7 * 24, False)], "Proved"),
        ([("backup", 37, False), ("restore_drill", 1, False)], "Late"),
        ([("backup", 1, False), ("restore_drill", 9 * 24, False)], "Late"),
        ([("backup", 30, False), ("restore_drill", 1, False), ("backup", 1, True)], "Failed"),
        ([("backup", 30, True), ("backup", 1, False), ("restore_drill", 1, False)], "Proved"),
    ],
)
def test_the_age_of_backup_and_drill(admins, runs, badge):
    for kind, hours, fails in runs:
        a_backup(kind, hours=hours, fails=fails)
    text = admins.get("/admin/system/").content.decode()
    card = text[text.index('aria-labelledby="backups"') :].partition("</section>")[0]
    assert f">{badge}</span>" in card
    assert admins.get("/admin/billing/backuprun/").status_code == 200
