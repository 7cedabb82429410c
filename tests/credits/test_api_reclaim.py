"""Reclaiming over HTTP: unspent credits back to the pool."""

import pytest

from credits.models import Allocation, JournalEntry
from organizations.choices import Role, Scope
from orgbilling.lib.ids import uuid7
from tests.api_client import ok, problem
from tests.credits.test_deduct import body as deduct_body
from tests.factories import make_key, make_member
from tests.ledger import give

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


def reclaim(api, org, user, headers=None, **wanted):
    document = {"user_id": str(user.pk), **wanted}
    return api.post(f"credits/{org.pk}/reclaim", document, **(headers or {}))


def test_a_part(api, funded, alice):
    ok(api.post("credits/deduct", deduct_body(funded, alice, 50)), 201)
    answer = ok(reclaim(api, funded, alice, credits=100, notes="Project over"))
    assert set(answer) == {"allocation", "pool"}
    allocation, pool = answer["allocation"], answer["pool"]
    assert (allocation["remaining_credits"], allocation["used_credits"]) == (850, 50)
    assert (allocation["allocated_credits"], allocation["budget_credits"]) == (900, 900)
    assert (pool["available_credits"], pool["allocated_credits"]) == (8_600, 1_400)
    assert pool["total_credits"] == 10_000
    entry = JournalEntry.objects.get(kind="reclaim")
    assert (entry.credits, entry.notes) == (100, "Project over")
    assert entry.actor.startswith("key:")


def test_all_that_remains_when_no_amount_is_named(api, funded, alice):
    ok(api.post("credits/holds", deduct_body(funded, alice, 200)), 201)
    answer = ok(reclaim(api, funded, alice))
    allocation = answer["allocation"]
    assert (allocation["remaining_credits"], allocation["held_credits"]) == (0, 200)
    assert allocation["budget_credits"] == 200
    assert answer["pool"]["available_credits"] == 9_300
    # Nothing is left: nothing moves.
    again = ok(reclaim(api, funded, alice))
    assert again["pool"]["available_credits"] == 9_300
    assert JournalEntry.objects.filter(kind="reclaim").count() == 1


def test_no_more_than_remains(api, funded, bob):
    refused = problem(reclaim(api, funded, bob, credits=501), 402, "insufficient_credits")
    assert (refused["requested"], refused["remaining"]) == (501, 500)
    assert "why" in refused
    assert Allocation.objects.get(org=funded, user=bob).remaining_credits == 500


class TestKeys:
    def test_a_retry_reclaims_once(self, api, funded, alice):
        key = {"Idempotency_Key": "k"}
        first = reclaim(api, funded, alice, key, credits=100)
        again = reclaim(api, funded, alice, key, credits=100)
        ok(first)
        assert (again.status_code, again.content) == (200, first.content)
        assert again["Idempotent-Replayed"] == "true"
        assert Allocation.objects.get(org=funded, user=alice).remaining_credits == 900
        other = reclaim(api, funded, alice, key, credits=101)
        problem(other, 422, "idempotency_key_reused")

    def test_a_refusal_is_final_for_its_key(self, api, funded, bob):
        key = {"Idempotency_Key": "k"}
        first = reclaim(api, funded, bob, key, credits=501)
        problem(first, 402, "insufficient_credits")
        give(funded, bob, 500)
        again = reclaim(api, funded, bob, key, credits=501)
        assert (again.status_code, again.content) == (402, first.content)
        ok(reclaim(api, funded, bob, credits=501))


def test_whom_there_is_nothing_to_take_from(api, funded, alice, bob, charlie, client_for):
    bare = make_member(funded).user
    problem(reclaim(api, funded, bare), 404, "no_allocation")
    problem(reclaim(api, funded, charlie), 404, "no_allocation")
    ok(client_for(alice).delete(f"organizations/{funded.pk}/members/{bob.pk}"), 204)
    problem(reclaim(api, funded, bob), 422, "allocation_inactive")


@pytest.mark.parametrize(
    "wanted",
    [
        {"credits": 0},
        {"credits": -100},
        {"credits": 10**15 + 1},
        {"credits": True},
        {"credits": 1.0},
        {"credits": "1"},
        {"credits": None},
        {"user_id": "alice"},
        {"user_id": None},
        {"notes": "x" * 1_001},
        {"notes": None},
    ],
)
def test_bad_fields(api, funded, alice, wanted):
    refused = problem(reclaim(api, funded, alice, **wanted), 400, "validation_error")
    assert [error["field"] for error in refused["errors"]] == list(wanted)
    assert not JournalEntry.objects.filter(kind="reclaim").exists()


@pytest.mark.parametrize("field", ["org_id", "budget_credits", "recurring", "reset_period"])
def test_fields_that_are_not_the_callers(api, funded, alice, field):
    problem(reclaim(api, funded, alice, **{field: 1}), 400, "unknown_field")


def test_who_may(funded, alice, bob, charlie, system_key, client_for):
    problem(reclaim(client_for(), funded, bob), 401, "not_authenticated")
    problem(reclaim(client_for(bob), funded, bob, credits=1), 403, "permission_denied")
    problem(reclaim(client_for(charlie), funded, bob, credits=0), 403, "permission_denied")
    spender = client_for(make_key(funded, Scope.CREDITS_DEDUCT)[1])
    problem(reclaim(spender, funded, bob, credits=1), 403, "permission_denied")
    admin = make_member(funded, Role.BILLING_ADMIN).user
    manager = make_key(funded, Scope.CREDITS_MANAGE)[1]
    for caller in (alice, admin, manager, system_key):
        ok(reclaim(client_for(caller), funded, bob, credits=1))
    path = f"credits/{uuid7()}/reclaim"
    problem(client_for(system_key).post(path, {"nope": 1}), 404, "not_found")
