"""Who may read the replica is listed here: reports, and nothing that decides."""

import ast
from pathlib import Path

import pytest
from django.db import DEFAULT_DB_ALIAS, router

from billing.models import Plan
from orgbilling.database.base import REPLICA
from orgbilling.lib import replica
from tests.house.test_files import ROOT, sources

#: Modules that mark reads of theirs: lists of history, sums, files, dashboards.
REPORTS = {
    "billing/api/catalogue.py",
    "billing/api/dashboards.py",
    "credits/api/csv_export.py",
    "credits/api/usage.py",
    "orgbilling/console/dashboards/audit.py",
    "orgbilling/console/dashboards/organization.py",
    "orgbilling/console/dashboards/system.py",
}
#: Modules that give leave, or say of which moment an answer is.
AROUND = {"orgbilling/console/pages.py", "orgbilling/web/replica.py"}
PACKAGES = ("orgbilling", "organizations", "credits", "billing")


def imported(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_only_reports_are_marked():
    marking = {
        str(path.relative_to(ROOT))
        for path in sources(*PACKAGES)
        if any(name.startswith("orgbilling.lib.replica") for name in imported(path))
    }
    assert marking == REPORTS | AROUND


def test_nobody_names_the_replica_past_the_router():
    named = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources(*PACKAGES)
        if path.parent != ROOT / "orgbilling" / "database"
        # Where it comes from the environment, and with what password.
        and path.name not in {"settings.py", "production.py"}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value == REPLICA
    ]
    assert named == []


@pytest.mark.django_db
def test_a_report_that_writes_is_found_without_a_replica_too():
    for write in (
        lambda: Plan.objects.create(code="x"),
        lambda: list(Plan.objects.select_for_update()),
        lambda: Plan.objects.first().save(),
    ):
        with pytest.raises(replica.WriteInReport):
            replica.from_replica(write)()
    assert Plan.objects.db == DEFAULT_DB_ALIAS


@pytest.mark.django_db
def test_what_was_read_of_a_replica_is_asked_and_saved_where_everything_is():
    plan = Plan.objects.first()
    plan._state.db = REPLICA
    assert router.db_for_write(Plan, instance=plan) == DEFAULT_DB_ALIAS
    assert router.db_for_read(Plan, instance=plan) == DEFAULT_DB_ALIAS
    assert router.allow_relation(plan, Plan.objects.last())
    plan.save()
    assert router.allow_migrate(REPLICA, "billing") is False


def test_without_leave_the_primary_is_read(monkeypatch):
    monkeypatch.setattr(type(replica.FOLLOWER), "usable", True)
    read = replica.from_replica(lambda: router.db_for_read(Plan))
    assert read() == DEFAULT_DB_ALIAS
    with replica.visit() as leave:
        kept = replica.kept(read)
    assert leave.as_of is None
    monkeypatch.setattr(type(replica.FOLLOWER), "usable", False)
    assert kept() == DEFAULT_DB_ALIAS
