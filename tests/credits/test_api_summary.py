"""Usage summed up over HTTP: groups, windows, filters, and who sees whose."""

from datetime import timedelta

import pytest

from credits.models import Usage
from orgbilling.lib.clock import now, simulated
from tests.api_client import ok, problem
from tests.credits.test_deduct import PATH, body

pytestmark = pytest.mark.django_db


@pytest.fixture
def used(funded, alice, bob, alpha_key, client_for):
    """Alice: 30 and 10 on one service, 5 on another two days ago; Bob: 7 on the first."""
    api = client_for(alpha_key)
    for credits in (30, 10):
        ok(api.post(PATH, body(funded, alice, credits)), 201)
    ok(api.post(PATH, body(funded, bob, 7)), 201)
    with simulated(now() - timedelta(days=2)):
        other = {**body(funded, alice, 5), "service_name": "fax", "service_type": "paper"}
        ok(api.post(PATH, other), 201)
    return funded


def summary(api, org, query=""):
    return ok(api.get(f"credits/{org.pk}/usage/summary{query}"))


def test_by_day_is_the_default(used, alpha_key, client_for):
    answer = summary(client_for(alpha_key), used)
    assert set(answer) == {
        "group_by", "start", "end", "credits_used", "request_count", "groups",
    }  # fmt: skip
    assert (answer["group_by"], answer["credits_used"], answer["request_count"]) == ("day", 52, 4)
    today, before = now().date(), (now() - timedelta(days=2)).date()
    assert answer["groups"] == [
        {"date": before.isoformat(), "credits_used": 5, "request_count": 1},
        {"date": today.isoformat(), "credits_used": 47, "request_count": 3},
    ]
    assert answer == summary(client_for(alpha_key), used, "?group_by=day") | {
        "start": answer["start"],
        "end": answer["end"],
    }


def test_by_service_and_by_user_most_first(used, alice, bob, alpha_key, client_for):
    api = client_for(alpha_key)
    assert summary(api, used, "?group_by=service")["groups"] == [
        {"service_name": "company_enrichment", "credits_used": 47, "request_count": 3},
        {"service_name": "fax", "credits_used": 5, "request_count": 1},
    ]
    groups = summary(api, used, "?group_by=user")["groups"]
    assert groups == [
        {
            "user_id": str(person.pk),
            "user_email": person.email,
            "user_name": person.name,
            "credits_used": credits,
            "request_count": count,
        }
        for person, credits, count in ((alice, 45, 3), (bob, 7, 1))
    ]


def test_the_filters_of_the_list(used, alice, bob, alpha_key, client_for):
    api = client_for(alpha_key)
    for query, credits in [
        (f"user_id={bob.pk}", 7),
        ("service_name=fax", 5),
        ("service_type=paper", 5),
        (f"user_id={alice.pk}&service_name=company_enrichment", 40),
        ("service_name=nothing", 0),
    ]:
        assert summary(api, used, f"?{query}")["credits_used"] == credits
    assert summary(api, used, "?service_name=nothing")["groups"] == []


def test_the_window_is_thirty_days_unless_told(used, alpha_key, client_for):
    api = client_for(alpha_key)
    answer = summary(api, used)
    assert (now() - timedelta(days=30)).strftime("%Y-%m-%d") in answer["start"]
    yesterday = (now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = summary(api, used, f"?start={yesterday}")
    assert (answer["start"], answer["credits_used"]) == (yesterday, 47)
    answer = summary(api, used, f"?end={yesterday}")
    assert (answer["end"], answer["credits_used"]) == (yesterday, 5)
    answer = summary(api, used, f"?start={yesterday}&end={yesterday}")
    assert (answer["credits_used"], answer["groups"]) == (0, [])


def test_what_was_refunded_is_not_used(used, bob, alpha_key, client_for):
    api = client_for(alpha_key)
    row = Usage.objects.get(user=bob)
    ok(api.post(f"credits/usage/{row.pk}/refund", {"credits": 3, "reason": "a test"}), 201)
    answer = summary(api, used, f"?user_id={bob.pk}")
    assert (answer["credits_used"], answer["request_count"]) == (4, 1)


@pytest.mark.parametrize(
    "query",
    [
        "group_by=week",
        "group_by=",
        "group_by=day&group_by=user",
        "start=yesterday",
        "start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z",
        "start=2024-01-01T00:00:00Z&end=2025-01-01T00:00:01Z",
        "start=2020-01-01T00:00:00Z",
        "end=0001-01-02T00:00:00Z",
        "user_id=alice",
        "page_size=10",
        "nope=1",
    ],
)
def test_queries_that_are_refused(used, alpha_key, client_for, query):
    answer = client_for(alpha_key).get(f"credits/{used.pk}/usage/summary?{query}")
    problem(answer, 400, "validation_error")


def test_366_days_are_not_too_many(used, alpha_key, client_for):
    query = "?start=2024-01-01T00:00:00Z&end=2025-01-01T00:00:00Z"
    assert summary(client_for(alpha_key), used, query)["credits_used"] == 0


def test_a_member_sees_their_own(used, alice, bob, client_for):
    api = client_for(bob)
    answer = summary(api, used, "?group_by=user")
    assert (answer["credits_used"], len(answer["groups"])) == (7, 1)
    assert summary(api, used, f"?user_id={bob.pk}")["credits_used"] == 7
    foreign = api.get(f"credits/{used.pk}/usage/summary?user_id={alice.pk}")
    problem(foreign, 403, "permission_denied")
    assert summary(client_for(alice), used)["credits_used"] == 52


def test_403_then_404_then_400(used, charlie, system_key, client_for):
    path, unknown = f"credits/{used.pk}/usage/summary", "00000000-0000-4000-8000-000000000000"
    problem(client_for(charlie).get(f"{path}?group_by=week"), 403, "permission_denied")
    api = client_for(system_key)
    problem(api.get(f"credits/{unknown}/usage/summary?group_by=week"), 404, "not_found")
    problem(api.post(path, {}), 405, "method_not_allowed")


def test_another_organizations_usage_is_not_in_it(used, globex, system_key, client_for):
    assert summary(client_for(system_key), globex)["credits_used"] == 0
