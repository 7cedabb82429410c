"""Five hundred members and twenty thousand usage rows of one organization: few queries, and by indexes."""

import json
import re

import pytest
from django.db import connection

from billing.reports import audit_entries, organization_alerts, system_report
from credits import reports
from credits.models import CreditPool, Usage
from orgbilling.web.paginating import BoundedPaginator
from tests.billing.conftest import count_queries
from tests.verification.big import FILL

ROWS = 20_000
MEMBERS = 1_003
HISTORIES = {"credit_journal", "credit_usage_attribution", "org_billing_history", "audit_log"}


@pytest.fixture
def org_id(db):
    """One of two organizations with 500 members each."""
    text = FILL.read_text(encoding="utf-8").format(usage=ROWS, organizations=2, members=MEMBERS)
    with connection.cursor() as cursor:
        for statement in text.split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        cursor.execute("ANALYZE")
    return CreditPool.objects.order_by("org_id").values_list("org_id", flat=True)[0]


def nodes(rows):
    """Every node of the plan of a queryset's query."""
    sql, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        (found,) = cursor.fetchone()
    document = json.loads(found) if isinstance(found, str) else found
    waiting = [document[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.get("Plans", ()))
        yield node


def test_reports_at_size(org_id, django_assert_max_num_queries):
    page = reports.members(org_id)
    assert page.count >= 500
    assert all(bar.used + bar.held + bar.remaining == bar.allocated for bar in page.members)
    works = {
        3: lambda: reports.members(org_id, limit=500, order="remaining"),
        1: lambda: reports.top_members(org_id),
        2: lambda: reports.daily_by_service(org_id),
    }
    assert {number: count_queries(work) for number, work in works.items()} == {n: n for n in works}
    assert count_queries(lambda: organization_alerts(org_id)) <= 9
    assert count_queries(system_report) == 12
    report = system_report()
    assert report.credits.total == (
        report.credits.available
        + report.credits.remaining
        + report.credits.held
        + report.credits.used
    )
    assert reports.daily_by_service(org_id).total <= report.usage.total
    with django_assert_max_num_queries(1):
        pages = BoundedPaginator(Usage.objects.order_by("-created_at", "-id"), 100)
        assert pages.count_text == "10,000+"

    # The audit merges indexes by time, of one organization and of all: no history is read whole or sorted.
    for wanted in ([org_id], None):
        plan = list(nodes(audit_entries(wanted)[:50]))
        kinds = [node["Node Type"] for node in plan]
        assert "Merge Append" in kinds
        assert "Sort" not in kinds
        scans = {
            node["Relation Name"]: node["Index Name"]
            for node in plan
            if node.get("Relation Name") in HISTORIES and re.match("Index", node["Node Type"])
        }
        assert set(scans) == HISTORIES
        assert scans["credit_usage_attribution"].startswith("usage_refunds_")
    assert len(audit_entries([org_id])[:50]) == 50
