"""Reading usage and allocations: pages, filters, and who sees whose."""

import json

import pytest

from tests.api_client import ok, problem
from tests.credits.test_deduct import PATH, body
from tests.factories import make_member
from tests.ledger import fund, give

pytestmark = pytest.mark.django_db


def test_usage_pages_and_filters(funded, alice, bob, alpha_key, client_for):
    api = client_for(alpha_key)
    for number in range(5):
        ok(
            api.post(PATH, body(funded, alice if number % 2 else bob, 1, request_id=f"r{number}")),
            201,
        )
    first = ok(api.get(f"credits/{funded.pk}/usage?page_size=2"))
    assert [row["request_id"] for row in first["results"]] == ["r4", "r3"]
    second = json.loads(api.get(first["next"].split("/api/v1/org-billing/")[1]).content)
    assert [row["request_id"] for row in second["results"]] == ["r2", "r1"]
    mine = ok(api.get(f"credits/{funded.pk}/usage?user_id={bob.pk}"))["results"]
    assert [row["request_id"] for row in mine] == ["r4", "r2", "r0"]
    assert ok(api.get(f"credits/{funded.pk}/usage?service_name=other"))["results"] == []
    assert ok(api.get(f"credits/{funded.pk}/usage?end=2020-01-01T00:00:00Z"))["results"] == []
    problem(api.get(f"credits/{funded.pk}/usage?page_size=501"), 400, "validation_error")


def test_a_member_reads_their_own_usage(funded, alice, bob, client_for):
    ok(client_for(alice).post(PATH, body(funded, alice)), 201)
    ok(client_for(bob).post(PATH, body(funded, bob)), 201)
    rows = ok(client_for(bob).get(f"credits/{funded.pk}/usage"))["results"]
    assert [row["user_id"] for row in rows] == [str(bob.pk)]
    assert len(ok(client_for(alice).get(f"credits/{funded.pk}/usage"))["results"]) == 2
    problem(
        client_for(bob).get(f"credits/{funded.pk}/usage?user_id={alice.pk}"),
        403,
        "permission_denied",
    )
    assert [
        row["user_id"]
        for row in ok(client_for(bob).get(f"credits/{funded.pk}/allocations"))["results"]
    ] == [str(bob.pk)]


def test_somebodys_allocations_are_seen_by_whom_they_concern(
    funded, alice, bob, charlie, globex, globex_key, alpha_key, system_key, system_admin, client_for
):
    fund(globex, 100)
    make_member(globex, user=bob)
    give(globex, bob, 40)
    path = f"credits/user/{bob.pk}"
    both = {"Test Org Alpha", "Globex"}
    for caller, seen in [
        (bob, both),
        (system_admin, both),
        (system_key, both),
        (alice, {"Test Org Alpha"}),
        (alpha_key, {"Test Org Alpha"}),
        (charlie, {"Globex"}),
        (globex_key, {"Globex"}),
    ]:
        allocations = ok(client_for(caller).get(path))["allocations"]
        assert {row["org_name"] for row in allocations} == seen
    problem(client_for(charlie).get(f"credits/user/{alice.pk}"), 403, "permission_denied")
    problem(client_for(globex_key).get(f"credits/user/{alice.pk}"), 403, "permission_denied")
    problem(client_for(bob).get(f"credits/user/{alice.pk}"), 403, "permission_denied")
    problem(client_for(system_key).get("credits/user/no-uuid"), 404, "not_found")
    problem(client_for(system_key).get(f"credits/user/{globex.pk}"), 404, "not_found")
