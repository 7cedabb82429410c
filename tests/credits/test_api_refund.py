"""Refunds over HTTP: parts and all of a charge, keys, refusals, whose charge it was."""

import pytest

from credits.models import Allocation, Usage
from organizations.choices import Role, Scope
from orgbilling.lib.ids import uuid7
from tests.api_client import ok, problem
from tests.credits.test_deduct import PATH as DEDUCT
from tests.credits.test_deduct import body
from tests.factories import make_key, make_member
from tests.ledger import let_spend

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


@pytest.fixture
def usage(api, funded, alice):
    """50 of Alice's 1,000, charged by the key."""
    return ok(api.post(DEDUCT, body(funded, alice, 50)), 201)


def refund(api, usage, wanted=None, **headers):
    document = {"reason": "No answer.", **(wanted or {})}
    return api.post(f"credits/usage/{usage['id']}/refund", document, **headers)


def left(org, user):
    row = Allocation.objects.get(org=org, user=user)
    return row.remaining_credits, row.used_credits, row.lifetime_used_credits


def test_all_of_it(api, funded, alice, usage):
    back = ok(refund(api, usage), 201)
    assert set(back) == set(usage)
    assert (back["credits_used"], back["refund_of"]) == (-50, usage["id"])
    assert (back["org_id"], back["user_id"]) == (str(funded.pk), str(alice.pk))
    assert (back["service_name"], back["remaining_credits"]) == ("company_enrichment", 1_000)
    assert (back["refunded_credits"], back["hold_id"]) == (0, None)
    assert left(funded, alice) == (1_000, 0, 0)
    second, first = ok(api.get(f"credits/{funded.pk}/usage"))["results"]
    assert second == back
    assert first == {**usage, "refunded_credits": 50}
    pool = ok(api.get(f"credits/{funded.pk}"))
    assert (pool["used_credits"], pool["available_credits"]) == (0, 8_500)


def test_parts_never_add_up_to_more(api, funded, alice, usage):
    ok(refund(api, usage, {"credits": 20}), 201)
    ok(refund(api, usage, {"credits": 20}), 201)
    refused = problem(refund(api, usage, {"credits": 11}), 409, "refund_exceeds_usage")
    assert (refused["requested"], refused["refundable"]) == (11, 10)
    assert ok(refund(api, usage), 201)["credits_used"] == -10
    problem(refund(api, usage), 409, "refund_exceeds_usage")
    problem(refund(api, usage, {"credits": 1}), 409, "refund_exceeds_usage")
    assert left(funded, alice) == (1_000, 0, 0)


def test_a_refund_is_not_refunded(api, usage):
    back = ok(refund(api, usage), 201)
    problem(refund(api, back), 409, "refund_exceeds_usage")


def test_a_free_charge_has_nothing_to_give_back(api, funded, alice):
    let_spend(funded, "byok")
    free = ok(api.post(DEDUCT, body(funded, alice, None, quantity=1)), 201)
    assert free["credits_used"] == 0
    problem(refund(api, free), 409, "refund_exceeds_usage")


def test_of_a_capture(api, funded, alice):
    hold = ok(api.post("credits/holds", body(funded, alice, 200)), 201)
    captured = ok(api.post(f"credits/holds/{hold['id']}/capture", {"credits": 150}))["usage"]
    assert ok(refund(api, captured), 201)["credits_used"] == -150
    assert left(funded, alice) == (1_000, 0, 0)


def test_of_a_former_member_goes_to_the_pool(api, funded, bob, alice, client_for):
    charged = ok(api.post(DEDUCT, body(funded, bob, 50)), 201)
    ok(client_for(alice).delete(f"organizations/{funded.pk}/members/{bob.pk}"), 204)
    ok(refund(api, charged), 201)
    assert ok(api.get(f"credits/{funded.pk}"))["available_credits"] == 9_000


class TestKeys:
    def test_a_retry_refunds_once(self, api, funded, alice, usage):
        first = refund(api, usage, {"credits": 20}, Idempotency_Key="k")
        again = refund(api, usage, {"credits": 20}, Idempotency_Key="k")
        ok(first, 201)
        assert (again.status_code, again.content) == (201, first.content)
        assert again["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first
        assert left(funded, alice) == (970, 30, 30)

    def test_another_body_or_usage_is_refused(self, api, funded, alice, usage):
        other = ok(api.post(DEDUCT, body(funded, alice, 50)), 201)
        ok(refund(api, usage, {"credits": 20}, Idempotency_Key="k"), 201)
        for answer in (
            refund(api, usage, {"credits": 21}, Idempotency_Key="k"),
            refund(api, usage, {"credits": 20, "reason": "Another."}, Idempotency_Key="k"),
            refund(api, other, {"credits": 20}, Idempotency_Key="k"),
        ):
            problem(answer, 422, "idempotency_key_reused")

    def test_a_refusal_leaves_the_key_free(self, api, usage):
        problem(
            refund(api, usage, {"credits": 51}, Idempotency_Key="k"), 409, "refund_exceeds_usage"
        )
        ok(refund(api, usage, {"credits": 50}, Idempotency_Key="k"), 201)

    @pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256])
    def test_a_malformed_key(self, api, usage, key):
        refused = problem(refund(api, usage, Idempotency_Key=key), 400, "validation_error")
        assert refused["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    "wanted",
    [
        {"credits": 0},
        {"credits": -50},
        {"credits": 10**15 + 1},
        {"credits": 1.0},
        {"credits": "1"},
        {"credits": None},
        {"reason": ""},
        {"reason": None},
        {"reason": 7},
        {"reason": "x" * 1_001},
        {"org_id": "nonsense"},
        {"org_id": None},
    ],
)
def test_bad_fields(api, usage, wanted):
    refused = problem(refund(api, usage, wanted), 400, "validation_error")
    assert [error["field"] for error in refused["errors"]] == list(wanted)
    assert Usage.objects.count() == 1


def test_a_reason_is_needed(api, usage):
    path = f"credits/usage/{usage['id']}/refund"
    refused = problem(api.post(path, {}), 400, "validation_error")
    assert refused["errors"][0]["field"] == "reason"
    problem(api.post(path, {"reason": "x", "credits_used": -5}), 400, "unknown_field")
    ok(api.post(path, {"reason": "x" * 1_000}), 201)


class TestWhoMay:
    def test_org_billing_roles_refund_anything(self, funded, usage, alice, bob, client_for):
        problem(refund(client_for(bob), usage), 403, "permission_denied")
        ok(refund(client_for(alice), usage, {"credits": 1}), 201)
        admin = make_member(funded, Role.BILLING_ADMIN).user
        ok(refund(client_for(admin), usage, {"credits": 1}), 201)

    def test_a_member_not_even_their_own(self, funded, bob, client_for):
        api = client_for(bob)
        own = ok(api.post(DEDUCT, body(funded, bob, 5)), 201)
        for wanted in ({}, {"org_id": str(funded.pk)}):
            problem(refund(api, own, wanted), 403, "permission_denied")

    @pytest.mark.parametrize("named", [False, True])
    def test_a_key_that_charges_refunds_its_own(self, funded, alice, usage, client_for, named):
        key = client_for(make_key(funded, Scope.CREDITS_DEDUCT)[1])
        own = ok(key.post(DEDUCT, body(funded, alice, 5)), 201)
        wanted = {"org_id": str(funded.pk)} if named else {}
        ok(refund(key, own, wanted), 201)
        problem(refund(key, usage, wanted), 403, "permission_denied")
        # 403 comes before 400.
        problem(refund(key, usage, {**wanted, "nope": 1}), 403, "permission_denied")
        problem(refund(key, own, {**wanted, "nope": 1}), 400, "unknown_field")

    def test_a_stored_answer_is_for_whoever_may(self, funded, alice, client_for):
        one = client_for(make_key(funded, Scope.CREDITS_DEDUCT)[1])
        two = client_for(make_key(funded, Scope.CREDITS_DEDUCT)[1])
        own = ok(one.post(DEDUCT, body(funded, alice, 5)), 201)
        named = {"org_id": str(funded.pk)}
        ok(refund(one, own, named, Idempotency_Key="k"), 201)
        problem(refund(two, own, named, Idempotency_Key="k"), 403, "permission_denied")

    def test_a_key_that_manages_refunds_anything(self, funded, usage, client_for):
        ok(refund(client_for(make_key(funded, Scope.CREDITS_MANAGE)[1]), usage), 201)
        reader = client_for(make_key(funded, Scope.CREDITS_READ)[1])
        problem(refund(reader, usage), 403, "permission_denied")

    def test_strangers_and_unknown_ids(
        self, funded, usage, globex, charlie, globex_key, alpha_key, system_key, client_for
    ):
        for caller in (charlie, globex_key):
            api = client_for(caller)
            problem(refund(api, usage), 403, "permission_denied")
            problem(refund(api, usage, {"org_id": str(funded.pk)}), 403, "permission_denied")
            problem(refund(api, usage, {"org_id": str(globex.pk)}), 403, "permission_denied")
            problem(refund(api, {"id": uuid7()}), 404, "not_found")
        api = client_for(alpha_key)
        problem(refund(api, {"id": uuid7()}, {"nope": 1}), 404, "not_found")
        problem(refund(api, {"id": "nonsense"}), 404, "not_found")
        system = client_for(system_key)
        problem(refund(system, usage, {"org_id": str(globex.pk)}), 404, "not_found")
        ok(refund(system, usage), 201)
        problem(refund(client_for(), usage), 401, "not_authenticated")
