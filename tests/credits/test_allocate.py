"""Allocating over HTTP, members who leave, organizations that open."""

import json

import pytest

from credits.models import Allocation, CreditPool, JournalEntry
from organizations.models import Member, Organization
from tests.api_client import ok, problem
from tests.factories import make_member, make_user
from tests.ledger import fund, let_spend

pytestmark = pytest.mark.django_db


def path(org):
    return f"credits/{org.pk}/allocate"


def test_first_and_further_allocations(alpha, alice, client_for):
    fund(alpha, 10_000)
    api = client_for(alice)
    wanted = {"user_id": str(alice.pk), "credits": 1_000, "notes": "November"}
    first = ok(api.post(path(alpha), wanted), 201)
    assert (
        first["allocation"]["allocated_credits"] == first["allocation"]["budget_credits"] == 1_000
    )
    assert first["allocation"]["reset_period"] == "monthly"
    assert first["allocation"]["notes"] == "November"
    assert first["allocation"]["allocated_by"] == f"user:{alice.pk}"
    more = ok(
        api.post(path(alpha), {"user_id": str(alice.pk), "credits": 200, "recurring": False}), 200
    )
    assert more["allocation"]["remaining_credits"] == 1_200
    assert more["allocation"]["budget_credits"] == 1_000
    assert more["pool"]["available_credits"] == 8_800
    assert more["pool"]["allocated_credits"] == 1_200


def test_the_pool_is_the_limit_and_the_refusal_is_final(alpha, alice, client_for):
    fund(alpha, 100)
    api = client_for(alice)
    wanted = {"user_id": str(alice.pk), "credits": 101}
    first = api.post(path(alpha), wanted, Idempotency_Key="k")
    refused = problem(first, 402, "insufficient_pool_credits")
    assert (refused["requested"], refused["available"]) == (101, 100)
    assert "Add at least 1 credits" in refused["detail"]
    fund(alpha, 100)
    again = api.post(path(alpha), wanted, Idempotency_Key="k")
    assert (again.status_code, again.content) == (402, first.content)
    assert again["Idempotent-Replayed"] == "true"
    ok(api.post(path(alpha), wanted, Idempotency_Key="k2"), 201)


def test_a_replay_moves_nothing(alpha, alice, client_for):
    fund(alpha, 10_000)
    api = client_for(alice)
    wanted = {"user_id": str(alice.pk), "credits": 1_000}
    first = api.post(path(alpha), wanted, Idempotency_Key="k")
    again = api.post(path(alpha), wanted, Idempotency_Key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert CreditPool.objects.get(org=alpha).available_credits == 9_000
    problem(
        api.post(path(alpha), {**wanted, "credits": 1}, Idempotency_Key="k"),
        422,
        "idempotency_key_reused",
    )


def test_a_failed_request_leaves_its_key_free(alpha, alice, charlie, client_for):
    fund(alpha, 10_000)
    api = client_for(alice)
    wanted = {"user_id": str(charlie.pk), "credits": 5}
    problem(api.post(path(alpha), wanted, Idempotency_Key="k"), 422, "not_a_member")
    make_member(alpha, user=charlie)
    ok(api.post(path(alpha), wanted, Idempotency_Key="k"), 201)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("credits", -5_000),
        ("credits", 0),
        ("credits", "5"),
        ("credits", 10**16),
        ("reset_period", "hourly"),
        ("reset_period", None),
        ("recurring", "yes"),
        ("user_id", None),
    ],
)
def test_bad_fields_change_nothing(alpha, alice, client_for, field, value):
    fund(alpha, 10_000)
    wanted = {"user_id": str(alice.pk), "credits": 5, field: value}
    problem(client_for(alice).post(path(alpha), wanted), 400, "validation_error")
    assert not Allocation.objects.exists()


def test_the_balance_limit(alpha, alice, client_for):
    for _time in range(9):
        fund(alpha, 10**15)
    assert CreditPool.objects.get(org=alpha).total_credits == 9 * 10**15


class TestDeparture:
    def test_unspent_credits_return(self, funded, alice, bob, alpha_key, client_for):
        api = client_for(alpha_key)
        spent = {
            "org_id": str(funded.pk),
            "user_id": str(bob.pk),
            "service_name": "x",
            "credits": 120,
        }
        ok(api.post("credits/deduct", spent), 201)
        ok(client_for(alice).delete(f"organizations/{funded.pk}/members/{bob.pk}"), 204)
        pool = CreditPool.objects.of(funded.pk)
        assert (pool.available_credits, pool.used_credits) == (8_880, 120)
        allocation = Allocation.objects.get(org=funded, user=bob)
        assert not allocation.is_active
        assert (allocation.remaining_credits, allocation.budget_credits) == (0, 0)
        assert allocation.lifetime_used_credits == 120
        assert JournalEntry.objects.get(kind="reclaim").credits == 380
        assert not Member.objects.filter(org=funded, user=bob).exists()

    def test_the_last_owner_stays_and_keeps_the_credits(self, funded, alice, client_for):
        problem(
            client_for(alice).delete(f"organizations/{funded.pk}/members/{alice.pk}"),
            409,
            "last_owner",
        )
        allocation = Allocation.objects.get(org=funded, user=alice)
        assert allocation.is_active
        assert allocation.remaining_credits == 1_000

    def test_whoever_returns_starts_anew(self, funded, alice, bob, client_for):
        api = client_for(alice)
        ok(api.delete(f"organizations/{funded.pk}/members/{bob.pk}"), 204)
        ok(api.post(f"organizations/{funded.pk}/members", {"user_id": str(bob.pk)}), 201)
        spend = {
            "org_id": str(funded.pk),
            "user_id": str(bob.pk),
            "service_name": "x",
            "credits": 1,
        }
        problem(api.post("credits/deduct", spend), 422, "allocation_inactive")
        again = ok(api.post(path(funded), {"user_id": str(bob.pk), "credits": 70}), 200)[
            "allocation"
        ]
        assert again["is_active"]
        assert (again["remaining_credits"], again["budget_credits"]) == (70, 70)
        ok(api.post("credits/deduct", spend), 201)

    def test_a_member_without_an_allocation_just_goes(self, funded, alice, client_for):
        member = make_member(funded)
        ok(client_for(alice).delete(f"organizations/{funded.pk}/members/{member.user_id}"), 204)
        problem(
            client_for(alice).delete(f"organizations/{funded.pk}/members/{member.user_id}"),
            404,
            "not_found",
        )


class TestOpening:
    def test_a_person_becomes_the_owner_and_has_a_pool(self, client_for):
        person = make_user()
        api = client_for(person)
        org = ok(api.post("organizations", {"name": "acme", "display_name": "Acme"}), 201)
        assert (org["name"], org["display_name"], org["role"]) == ("acme", "Acme", "owner")
        assert (org["member_count"], org["timezone"], org["status"]) == (1, "UTC", "active")
        pool = ok(api.get(f"credits/{org['id']}"))
        assert (pool["total_credits"], pool["available_credits"], pool["org_name"]) == (
            0,
            0,
            "Acme",
        )

    def test_a_system_key_opens_one_without_members(self, system_key, client_for):
        api = client_for(system_key)
        org = ok(api.post("organizations", {"name": "acme", "timezone": "Europe/Berlin"}), 201)
        assert (org["role"], org["member_count"], org["display_name"]) == (None, 0, "acme")
        owner = ok(
            api.post(
                f"organizations/{org['id']}/members", {"email": "o@acme.example", "role": "owner"}
            ),
            201,
        )
        assert owner["role"] == "owner"

    def test_a_bound_key_opens_none(self, alpha_key, client_for):
        problem(
            client_for(alpha_key).post("organizations", {"name": "acme"}), 403, "permission_denied"
        )

    @pytest.mark.parametrize(
        "wanted",
        [
            {"name": "test-org-alpha"},
            {"name": "Not A Slug"},
            {"name": "x"},
            {},
            {"name": "acme", "timezone": "Mars/Olympus"},
        ],
    )
    def test_refusals_leave_nothing(self, alpha, alice, client_for, wanted):
        refused = problem(client_for(alice).post("organizations", wanted), 400, "validation_error")
        assert refused["errors"][0]["field"] in {"name", "timezone"}
        assert Organization.objects.count() == CreditPool.objects.count() == 1


def test_no_pool_is_said(alpha, alice, client_for):
    """A pool can't be lost, only be missing where something else made the organization."""
    other = Organization.objects.create(name="bare", display_name="Bare")
    Member.objects.create(org=other, user=alice, role="owner")
    api = client_for(alice)
    problem(api.get(f"credits/{other.pk}"), 404, "no_credit_pool")
    problem(api.post(path(other), {"user_id": str(alice.pk), "credits": 5}), 404, "no_credit_pool")
    spend = {"org_id": str(other.pk), "user_id": str(alice.pk), "service_name": "x", "credits": 1}
    problem(api.post("credits/deduct", spend), 404, "no_credit_pool")
    fund(other, 100)
    let_spend(other)
    assert json.loads(api.get(f"credits/{other.pk}").content)["total_credits"] == 100
