"""What dashboards and summaries read of rows whose history is summed up: the tail, and the edges of their windows."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from credits.deducting import Receipt, deduct
from credits.models import Allocation, LateUsage, ServiceCell, Usage
from tests.api_client import ApiClient, ok
from tests.credits.rolled import door, settle
from tests.ledger import charge, fund, give, let_spend

pytestmark = pytest.mark.django_db(transaction=True)

USAGE = "credit_usage_attribution"
DAYS = 40
#: Rows a day: four an hour of the organization that is asked about, and one of another.
ALPHAS, GLOBEXS = 96, 24
TAIL = 12
#: Both edges of a window that begins at any second, of all organizations; the tail; a page of the newest.
FEW = 2 * (ALPHAS + GLOBEXS) // 24 + TAIL + 51
HISTORY = """
INSERT INTO credit_usage_attribution (id, org_id, user_id, allocation_id, credits_used, overage_credits, service_name,
    service_type, request_id, metadata, remaining_credits, operation, actor, created_at)
SELECT gen_random_uuid(), a.org_id, a.user_id, a.id, 1 + n %% 50, 0,
    (ARRAY['company_enrichment', 'contact_lookup', 'bulk_export'])[1 + n %% 3], 'api', 'drawn', '{}', 0, 'deduct',
    'system', now() - interval '10 minutes' - n * interval '1 day' / %(a_day)s
FROM user_credit_allocations AS a, generate_series(0, %(a_day)s * %(days)s - 1) AS n
WHERE a.id = %(allocation)s
"""


@pytest.fixture
def summed_up(funded, globex, bob, charlie):
    """Weeks of Bob's and Charlie's usage, summed up, and some charges of the last minutes."""
    fund(globex, 1_000)
    let_spend(globex)
    give(globex, charlie, 100)
    with door(), connection.cursor() as cursor:
        for user, a_day in ((bob, ALPHAS), (charlie, GLOBEXS)):
            allocation = Allocation.objects.get(user=user)
            values = {"a_day": a_day, "days": DAYS, "allocation": allocation.pk}
            cursor.execute(HISTORY, values)
    settle(funded.pk, globex.pk)
    assert not LateUsage.objects.exists()
    assert ServiceCell.objects.exists()
    for _ in range(TAIL):
        assert isinstance(deduct(charge(funded, bob, 1)), Receipt)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert Usage.objects.count() > 50 * FEW
    return funded


def plan_of(sql: str) -> Iterator[dict[str, Any]]:
    """Every node of a statement's plan, with what it read."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql.replace("%", "%%"), ())
        (found,) = cursor.fetchone()
    waiting = [(json.loads(found) if isinstance(found, str) else found)[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.get("Plans", ()))
        yield node


def read_of(node: dict[str, Any]) -> float:
    """Rows that a scan took from its table, those that it threw away too."""
    removed = sum(value for name, value in node.items() if name.startswith("Rows Removed"))
    return (node["Actual Rows"] + removed) * node["Actual Loops"]


def usage_read(work: Callable[[], object]) -> tuple[float, int]:
    """Rows of usage that the most expensive statement reads, and how many statements there were."""
    work()
    with CaptureQueriesContext(connection) as queries:
        work()
    most = 0.0
    asked = [one["sql"] for one in queries if re.match(r"\s*(SELECT|WITH)\b", one["sql"])]
    for sql in asked:
        scans = [node for node in plan_of(sql) if node.get("Relation Name") == USAGE]
        whole = [
            node["Node Type"] for node in scans if "Seq" in node["Node Type"] and read_of(node)
        ]
        assert not whole, sql
        most = max(most, sum(map(read_of, scans)))
    return most, len(queries)


def pages(org, alice, system_admin) -> dict[str, tuple[Callable[[], object], int]]:
    """Each page and summary that shows sums of usage, and the most statements that it takes."""
    console, root = Client(), Client()
    console.force_login(alice)
    root.force_login(system_admin)
    api, root_api = ApiClient(user=alice), ApiClient(user=system_admin)

    def seen(client: Client, path: str) -> Callable[[], object]:
        return lambda: client.get(path).content

    def told(client: ApiClient, path: str) -> Callable[[], object]:
        return lambda: ok(client.get(path))

    summary = f"credits/{org.pk}/usage/summary?group_by="
    return {
        "console, organization": (seen(console, f"/admin/org/{org.pk}/"), 40),
        "console, system": (seen(root, "/admin/system/"), 40),
        "API, user": (told(api, "billing/user"), 14),
        "API, organization": (told(api, f"billing/org/{org.pk}"), 16),
        "API, system": (told(root_api, "billing/system"), 16),
        "API, newest usage": (told(api, f"credits/{org.pk}/usage"), 8),
        **{
            f"summary by {name}": (told(api, summary + name), 6)
            for name in ("day", "service", "user")
        },
        "summary of a service": (told(api, summary + "day&service_name=contact_lookup"), 6),
        "summary of a member": (told(api, f"{summary}day&user_id={alice.pk}"), 6),
    }


def test_no_page_reads_rows_that_are_summed_up(summed_up, alice, charlie, system_admin):
    found = {
        name: (*usage_read(work), most)
        for name, (work, most) in pages(summed_up, alice, system_admin).items()
    }
    assert {name: read for name, (read, *_rest) in found.items() if read > FEW} == {}
    # The tail is read: without it these would be figures of some minutes ago.
    assert {name for name, (read, *_rest) in found.items() if read < TAIL} <= {
        "API, user",
        "summary of a member",
    }
    asked = {name: (number, most) for name, (_read, number, most) in found.items()}
    assert {name: both for name, both in asked.items() if both[0] > both[1]} == {}, asked

    # Cells don't tell one member's services apart: the member's rows are read, by their index, and nobody else's.
    charlies = ApiClient(user=charlie)
    org_id = Allocation.objects.get(user=charlie).org_id
    apart = f"credits/{org_id}/usage/summary?group_by=service&user_id={charlie.pk}"
    read, _number = usage_read(lambda: ok(charlies.get(apart)))
    assert 0 < read <= GLOBEXS * DAYS
