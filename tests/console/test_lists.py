"""The ledger's lists: who sees which rows, what the filters offer, what a file has, in few queries."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credits.deducting import deduct
from credits.holding import HoldOrder, place
from credits.models import Refusal, Usage
from tests.api_client import problem
from tests.console.actions import signed_in, text_of
from tests.factories import make_key, make_member, make_user
from tests.ledger import charge, fund, give, let_spend

pytestmark = pytest.mark.django_db
LISTS = ("allocation", "usage", "hold", "refusal")
USAGE, EXPORT = "/admin/credits/usage/", "/admin/usage/export/"


@pytest.fixture
def busy(funded, globex, alice, bob, charlie):
    """Both organizations have rows of every kind."""
    fund(globex, 1_000)
    let_spend(globex)
    give(globex, charlie, 100)
    for organization, user in ((funded, alice), (funded, bob), (globex, charlie)):
        deduct(charge(organization, user, 5))
        deduct(charge(organization, user, 5_000))
        place(HoldOrder(charge(organization, user, 7)))
    return funded


def rows(client, name, query=""):
    answer = client.get(f"/admin/credits/{name}/{query}")
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def lines(answer):
    return b"".join(answer.streaming_content).decode().splitlines()


@pytest.mark.parametrize("name", LISTS)
def test_each_sees_what_is_theirs(busy, alice, bob, charlie, name):
    assert {row.user_id for row in rows(signed_in(alice), name)} == {alice.pk, bob.pk}
    assert {row.user_id for row in rows(signed_in(bob), name)} == {bob.pk}
    assert {row.user_id for row in rows(signed_in(charlie), name)} == {charlie.pk}


@pytest.mark.parametrize("name", [*LISTS, "journalentry"])
def test_nothing_of_another_organization_is_on_the_page(busy, alice, charlie, name):
    page = text_of(signed_in(alice).get(f"/admin/credits/{name}/"))
    assert "Charlie" not in page
    assert str(charlie.pk) not in page
    assert "Globex" not in page


@pytest.mark.parametrize("name", LISTS)
def test_a_member_is_offered_nobody_and_no_action(busy, bob, name):
    page = text_of(signed_in(bob).get(f"/admin/credits/{name}/"))
    assert 'name="member"' not in page
    assert "alice@example.com" not in page
    for way in ("reclaim", "release", "allocate", "credits/add"):
        assert f"/{way}/" not in page


def test_a_stranger_s_id_in_a_filter_finds_nothing(busy, alice, bob, charlie):
    for name in (*LISTS, "journalentry"):
        assert rows(signed_in(alice), name, f"?member={charlie.pk}") == []
        # The filter isn't there for a member: their own rows stay.
        if name != "journalentry":
            found = rows(signed_in(bob), name, f"?member={alice.pk}")
            assert {row.user_id for row in found} == {bob.pk}


def test_usage_is_filtered_by_member_service_days_and_request(busy, alice, bob):
    client = signed_in(alice)
    assert {row.user_id for row in rows(client, "usage", f"?member={bob.pk}")} == {bob.pk}
    assert len(rows(client, "usage", "?service=company_enrichment")) == 2
    assert rows(client, "usage", "?service=other") == []
    assert len(rows(client, "usage", "?request=te")) == 2
    assert rows(client, "usage", "?request=no") == []
    today = f"{Usage.objects.latest('created_at').created_at:%Y-%m-%d}"
    assert len(rows(client, "usage", f"?since={today}&until={today}")) == 2
    assert rows(client, "usage", "?until=2020-01-01") == []
    for wrong in ("?since=x", "?since=2026-02-02&until=2026-02-01", "?until=9999-12-31"):
        answer = client.get(f"{USAGE}{wrong}")
        assert answer.status_code == 200
        assert "ob-errors" in text_of(answer)
        assert list(answer.context["cl"].result_list) == []


def test_beyond_a_hundred_people_a_part_of_the_name_is_asked_for(busy, alice, bob, charlie):
    for _number in range(100):
        make_member(busy)
    client = signed_in(alice)
    page = text_of(client.get(USAGE))
    assert 'placeholder="Name or e-mail"' in page
    assert "user1@" not in page
    assert {row.user_id for row in rows(client, "usage", "?member=BOB")} == {bob.pk}
    assert rows(client, "usage", "?member=charlie") == []


def test_a_system_admin_sees_all_and_finds_anybody(busy, system_admin, charlie):
    client = signed_in(system_admin)
    assert len(rows(client, "usage")) == 3
    assert {row.user_id for row in rows(client, "usage", "?member=charlie")} == {charlie.pk}
    assert "charlie@example.com" in text_of(client.get(USAGE))


def test_the_file_has_what_the_list_has(busy, alice, bob, charlie):
    client = signed_in(alice)
    answer = client.get(f"{EXPORT}?member={bob.pk}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "usage-test-org-alpha-" in answer["Content-Disposition"]
    header, *found = lines(answer)
    assert header.startswith("id,created_at")
    assert len(found) == 1
    assert str(bob.pk) in found[0]
    assert len(lines(client.get(EXPORT))) == 3
    own = lines(signed_in(bob).get(EXPORT))[1:]
    assert len(own) == 1
    assert str(bob.pk) in own[0]
    assert str(charlie.pk) in lines(signed_in(charlie).get(EXPORT))[1]
    assert signed_in(make_user()).get(EXPORT).status_code == 403


def test_the_file_is_safe_to_open(funded, alice):
    order = charge(funded, alice, 5)
    deduct(order._replace(service_name="=cmd()"))
    assert "'=cmd()" in lines(signed_in(alice).get(EXPORT))[1]


def test_allocations_have_a_bar_and_their_actions(busy, alice, bob):
    page = text_of(signed_in(alice).get("/admin/credits/allocation/"))
    assert 'aria-label="5 used, 7 held, 488 unspent"' in page
    for way in ("allocate", "reclaim", "reset-period"):
        assert f"/admin/org/{busy.pk}/credits/{way}/?user={bob.pk}" in page


def test_a_hold_is_released_from_the_list_while_it_is_open(busy, alice):
    client = signed_in(alice)
    page = text_of(client.get("/admin/credits/hold/?status=pending"))
    assert page.count("/release/") == 2
    assert rows(client, "hold", "?status=captured") == []
    assert rows(client, "hold", "?status=expired") == []


def test_refusals_say_why_and_what_helps(busy, alice, bob):
    page = text_of(signed_in(alice).get("/admin/credits/refusal/"))
    assert "Too few credits were left" in page
    assert f"/admin/org/{busy.pk}/credits/allocate/?user={bob.pk}" in page


def test_who_is_refused_without_belonging_stays_nameless(
    busy, globex, alice, charlie, system_admin, client_for
):
    _key, plain = make_key(None)
    body = {"org_id": str(busy.pk), "user_id": str(charlie.pk), "service_name": "x", "credits": 1}
    problem(client_for(plain).post("credits/deduct", body), 422, "not_a_member")
    assert Refusal.objects.filter(org=busy, user_id=charlie.pk).exists()
    page = text_of(signed_in(alice).get("/admin/credits/refusal/"))
    assert f"Stranger {charlie.pk}" in page
    assert "charlie@example.com" not in page
    assert "charlie@example.com" in text_of(signed_in(system_admin).get("/admin/credits/refusal/"))


def test_the_journal_names_actors_as_far_as_they_belong(funded, alice, bob, system_admin):
    client = signed_in(alice)
    address = f"/admin/org/{funded.pk}/credits/allocate/"
    for person in (alice, system_admin):
        fields = {"mode": "each", "credits": "1", "recurring": "no", "members": [str(bob.pk)]}
        key = "018f0000-0000-7000-8000-00000000000" + ("1" if person == alice else "2")
        signed_in(person).post(address, {**fields, "key": key, "confirmed": "1"})
    page = text_of(client.get("/admin/credits/journalentry/?kind=allocation"))
    assert ">Operator<" in page
    assert ">Alice<" in page
    assert "root@example.com" not in page
    assert "7,000 → " not in page
    assert "By itself" in page
    assert "Root" in text_of(signed_in(system_admin).get("/admin/credits/journalentry/"))


@pytest.mark.parametrize("name", [*LISTS, "journalentry"])
def test_more_rows_need_no_more_queries(busy, alice, name):
    client = signed_in(alice)
    client.get(f"/admin/credits/{name}/")

    def count():
        with CaptureQueriesContext(connection) as queries:
            rows(client, name)
        return len(queries)

    before = count()
    for _number in range(5):
        user = make_member(busy).user
        give(busy, user, 10)
        deduct(charge(busy, user, 1))
        deduct(charge(busy, user, 5_000))
        place(HoldOrder(charge(busy, user, 2)))
    assert count() <= before
    assert before <= 20


def test_an_empty_list_says_what_comes_next(alpha, alice):
    assert "Nobody has credits yet" in text_of(signed_in(alice).get("/admin/credits/allocation/"))
    found = text_of(signed_in(alice).get(f"{USAGE}?service=x"))
    assert "Nothing matches" in found
