"""The audit's pages: what is found by what, page after page, for whom; and that nothing can be changed."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import AuditEntry
from credits.functions import Origin
from credits.models import Allocation, CreditPool
from organizations.access import Principal
from organizations.choices import AuditAction
from organizations.models import AuditLogEntry, Member
from orgbilling.console.dashboards.audit import differences
from tests.factories import make_key, make_member, make_user
from tests.ledger import fund, give

pytestmark = pytest.mark.django_db
MOST_QUERIES = 15


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def audit(user, org, query=""):
    return signed_in(user).get(f"/admin/org/{org.pk}/audit/{query}")


def kinds(page):
    return [line.entry.action for line in page.context["lines"]]


@pytest.fixture
def told(funded, alice, bob):
    """Alice reclaims from Bob, a key gives back, and Alice adds somebody."""
    key, _plain = make_key(funded, name="nightly job")
    Allocation.objects.reclaim(
        org_id=funded.pk,
        user_id=bob.pk,
        credits=40,
        origin=Origin(f"user:{alice.pk}", "request-reclaim"),
        notes="Bob is on holiday",
    )
    Allocation.objects.allocate(
        org_id=funded.pk, user_id=bob.pk, credits=15, origin=Origin(f"key:{key.pk}", "request-key")
    )
    dora = make_user("dora@example.com", "Dora")
    Member.objects.add(funded, dora, role="member", by=Principal(user=alice))
    return funded


def test_who_did_what_before_after_and_why(told, alice):
    page = audit(alice, told)
    lines = {line.entry.action: line for line in page.context["lines"]}
    reclaim = lines["credits_reclaim"]
    assert reclaim.who == "Alice"
    assert reclaim.entry.subject == "Bob"
    assert (reclaim.entry.available_before, reclaim.entry.available_after) == (8_500, 8_540)
    assert (reclaim.entry.remaining_before, reclaim.entry.remaining_after) == (500, 460)
    text = page.content.decode()
    assert "8,500 → 8,540" in text
    assert "Bob is on holiday" in text
    assert "nightly job" in text
    times = [line.entry.created_at for line in page.context["lines"]]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?who=alice", ["member_added", "credits_reclaim"]),
        ("?who=nightly", ["credits_allocation"]),
        ("?member=dora@example.com", ["member_added"]),
        ("?action=credits_reclaim", ["credits_reclaim"]),
        ("?request=request-key", ["credits_allocation"]),
        ("?text=HOLIDAY", ["credits_reclaim"]),
        ("?text=holiday&who=nightly", []),
        ("?start=2999-01-01", []),
        ("?end=2001-01-01", []),
    ],
)
def test_filters_narrow(told, alice, query, found):
    assert kinds(audit(alice, told, query)) == found


def test_the_system_is_somebody_too(told, alice):
    assert "credits_grant" in kinds(audit(alice, told, "?who=system"))


def test_an_actor_of_a_row_can_be_followed(told, alice):
    page = audit(alice, told, f"?who=user:{alice.pk}")
    assert kinds(page) == ["member_added", "credits_reclaim"]


def test_who_runs_the_service_is_nameless_to_organizations(funded, alice, bob, system_admin):
    key, _plain = make_key(None, name="deploy bot")
    for credits, actor in ((11, f"user:{system_admin.pk}"), (12, f"key:{key.pk}")):
        Allocation.objects.allocate(
            org_id=funded.pk, user_id=bob.pk, credits=credits, origin=Origin(actor, "request-op")
        )
    page = audit(alice, funded, "?request=request-op")
    assert [line.who for line in page.context["lines"]] == ["Operator's API key", "Operator"]
    urls = [line.url for line in page.context["lines"]]
    dashboard = f"/admin/org/{funded.pk}/"
    for url in (*urls, dashboard, f"{dashboard}audit/"):
        text = signed_in(alice).get(url).content.decode()
        assert "Operator" in text
        assert "deploy bot" not in text
        assert "Root" not in text
    for words in ("who=root", "who=deploy", "text=root", "text=deploy"):
        assert kinds(audit(alice, funded, f"?{words}")) == []
        assert kinds(audit(system_admin, funded, f"?{words}")) == ["credits_allocation"]
    assert "deploy bot" in audit(system_admin, funded).content.decode()


def test_a_former_manager_keeps_the_name(funded, alice, bob):
    former = make_member(funded, "admin")
    Allocation.objects.allocate(
        org_id=funded.pk, user_id=bob.pk, credits=9, origin=Origin(f"user:{former.user_id}", "by")
    )
    Member.objects.filter(pk=former.pk).delete()
    (line,) = audit(alice, funded, "?request=by").context["lines"]
    assert line.who == former.user.get_full_name()


def test_days_are_the_organizations_own(told, alice):
    AuditLogEntry.objects.record(AuditAction.ORGANIZATION_EDITED, by=None, org_id=told.pk)
    day = AuditEntry.objects.filter(action="organization_edited").get().created_at.date()
    assert "organization_edited" in kinds(audit(alice, told, f"?start={day}&end={day}"))
    before = day - timedelta(days=1)
    assert kinds(audit(alice, told, f"?end={before}")) == []


@pytest.mark.parametrize(
    "query",
    [
        "?start=yesterday",
        "?end=9999-12-31",
        "?start=0001-01-01",
        "?action=nothing",
        "?who=%00",
        "?request=" + "x" * 300,
    ],
)
def test_what_cannot_be_understood_is_said(told, alice, query):
    page = audit(alice, told, query)
    assert page.status_code == 200
    assert page.context["search"].errors


@pytest.mark.parametrize("cursor", ["x", "a:b:c", "x" * 3_000])
def test_a_broken_cursor_shows_the_newest(told, alice, cursor):
    assert kinds(audit(alice, told, f"?cursor={cursor}")) == kinds(audit(alice, told))


def test_older_pages_show_every_entry_once(alpha, alice):
    for _ in range(120):
        fund(alpha, 1)
    client = signed_in(alice)
    query, seen = "?action=credits_grant", []
    for _ in range(3):
        page = client.get(f"/admin/org/{alpha.pk}/audit/{query}")
        seen += [line.entry.pk for line in page.context["lines"]]
        query = page.context["older"]
    assert query == ""
    assert len(seen) == len(set(seen)) == 120
    assert page.context["newest"] == "?action=credits_grant"


def test_an_entry_shows_everything_known(told, alice):
    client = signed_in(alice)
    entry = AuditEntry.objects.get(action="credits_reclaim")
    page = client.get(f"/admin/org/{told.pk}/audit/{entry.pk}/")
    text = page.content.decode()
    for part in ("Alice reclaimed 40 credits from Bob", "request-reclaim", "Bob is on holiday"):
        assert part in text
    assert [(row.before, row.after) for row in page.context["balances"]] == [
        ("8,500", "8,540"),
        ("500", "460"),
    ]


def test_values_before_and_after_are_rows():
    rows = differences(
        {"name": "Alpha", "limit": 1_000, "old": True},
        {"name": "Alpha", "limit": 2_000, "tags": ["a", "b"], "in": {"side": None}},
    )
    assert [(row.name, row.before, row.after, row.changed) for row in rows] == [
        ("name", "Alpha", "Alpha", False),
        ("limit", "1,000", "2,000", True),
        ("old", "yes", "", True),
        ("tags", "", "a, b", True),
        ("in.side", "", "none", True),
    ]
    assert differences(None, None) == []


def test_nothing_can_be_changed(told, alice, system_admin):
    entry = AuditEntry.objects.get(action="credits_reclaim")
    paths = (f"/admin/org/{told.pk}/audit/", f"/admin/org/{told.pk}/audit/{entry.pk}/")
    for path in (*paths, "/admin/system/audit/", f"/admin/system/audit/{entry.pk}/"):
        for client in (signed_in(alice), signed_in(system_admin)):
            for method in (client.post, client.put, client.patch, client.delete):
                assert method(path).status_code in (403, 405)
    assert AuditEntry.objects.filter(pk=entry.pk).exists()


def test_members_and_strangers_are_refused(told, bob, charlie, globex):
    entry = AuditEntry.objects.get(action="credits_reclaim")
    for person in (bob, charlie):
        client = signed_in(person)
        assert client.get(f"/admin/org/{told.pk}/audit/").status_code == 403
        assert client.get(f"/admin/org/{told.pk}/audit/{entry.pk}/").status_code == 403
        assert client.get("/admin/system/audit/").status_code == 403
    # The id is another organization's: one's own audit doesn't have it.
    assert signed_in(charlie).get(f"/admin/org/{globex.pk}/audit/{entry.pk}/").status_code == 404


def test_no_search_reaches_another_organization(told, charlie, globex):
    fund(globex, 5)
    page = audit(charlie, globex, "?who=system")
    assert {line.entry.org_id for line in page.context["lines"]} == {globex.pk}
    for query in ("?who=alice", "?member=bob", "?text=holiday", "?request=request-reclaim"):
        assert kinds(audit(charlie, globex, query)) == []
    assert kinds(audit(charlie, globex, "?organization=alpha")) == kinds(audit(charlie, globex))


def test_the_system_audit_has_every_organization(told, globex, system_admin):
    fund(globex, 5)
    client = signed_in(system_admin)
    page = client.get("/admin/system/audit/")
    assert {line.entry.org_id for line in page.context["lines"]} >= {told.pk, globex.pk}
    found = client.get("/admin/system/audit/?organization=globex")
    assert {line.entry.org_id for line in found.context["lines"]} == {globex.pk}
    entry = AuditEntry.objects.filter(org_id=globex.pk, action="credits_grant").get()
    assert client.get(f"/admin/system/audit/{entry.pk}/").status_code == 200
    missing = "00000000-0000-7000-8000-000000000000"
    assert client.get(f"/admin/system/audit/{missing}/").status_code == 404


def test_queries_are_bounded(funded, alice):
    for number in range(60):
        user = make_member(funded).user
        give(funded, user, 1 + number)
    client = signed_in(alice)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(f"/admin/org/{funded.pk}/audit/?who=system")
    assert len(page.context["lines"]) == 50
    assert len(queries) <= MOST_QUERIES
    assert CreditPool.objects.get(org=funded).available_credits == 8_500 - sum(range(1, 61))
    assert page.context["lines"][0].entry.created_at > datetime(2020, 1, 1, tzinfo=UTC)
