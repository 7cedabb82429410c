"""Holds over HTTP: reserving and reading; keys, refusals, who may."""

from datetime import timedelta

import pytest

from credits.models import Hold, Usage
from organizations.choices import Role, Scope
from orgbilling.lib.clock import now, simulated
from orgbilling.lib.ids import uuid7
from tests.api_client import ok, problem
from tests.credits.hold_calls import capture, left, release
from tests.credits.test_deduct import body
from tests.factories import make_key, make_member
from tests.ledger import give

pytestmark = pytest.mark.django_db
PATH = "credits/holds"
FIELDS = {
    "id", "org_id", "user_id", "allocation_id", "credits", "captured_credits", "status",
    "service_name", "expires_at", "created_at",
}  # fmt: skip


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


@pytest.fixture
def hold(api, funded, alice):
    """200 of Alice's 1,000."""
    return ok(api.post(PATH, body(funded, alice, 200, metadata={"job": 7})), 201)


class TestPlacing:
    def test_what_is_reserved_cannot_be_spent(self, api, funded, alice, hold):
        assert set(hold) == FIELDS
        assert (hold["org_id"], hold["user_id"]) == (str(funded.pk), str(alice.pk))
        assert (hold["credits"], hold["captured_credits"]) == (200, 0)
        assert (hold["status"], hold["service_name"]) == ("pending", "company_enrichment")
        assert left(funded, alice) == (800, 200, 0)
        assert ok(api.get(f"{PATH}/{hold['id']}")) == hold
        problem(api.post("credits/deduct", body(funded, alice, 801)), 402, "insufficient_credits")
        pool = ok(api.get(f"credits/{funded.pk}"))
        assert (pool["held_credits"], pool["used_credits"]) == (200, 0)
        assert Usage.objects.count() == 0

    @pytest.mark.parametrize(("ttl", "seconds"), [(None, 900), (1, 1), (86_400, 86_400)])
    def test_how_long(self, api, funded, alice, ttl, seconds):
        more = {} if ttl is None else {"ttl_seconds": ttl}
        made = ok(api.post(PATH, body(funded, alice, **more)), 201)
        row = Hold.objects.get(pk=made["id"])
        assert row.expires_at - row.created_at == timedelta(seconds=seconds)
        assert made["expires_at"] == row.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def test_by_quantity(self, api, funded, alice):
        made = ok(api.post(PATH, body(funded, alice, None, quantity=3)), 201)
        assert made["credits"] == 150
        usage = ok(capture(api, made))["usage"]
        assert (usage["credits_used"], usage["unit_price"], usage["quantity"]) == (150, 50, 3)
        assert usage["price_version"] == 1

    def test_a_retry_answers_the_first_hold(self, api, funded, alice):
        first = api.post(PATH, body(funded, alice, 200), Idempotency_Key="k")
        ok(first, 201)
        again = api.post(PATH, body(funded, alice, 200), Idempotency_Key="k")
        assert again.status_code == 200
        assert again["Idempotent-Replayed"] == "true"
        assert again.content == first.content
        assert Hold.objects.count() == 1

    def test_a_retry_answers_the_first_hold_whatever_became_of_it(self, api, funded, alice):
        first = api.post(PATH, body(funded, alice, 200, request_id="r"))
        ok(capture(api, ok(first, 201)))
        again = api.post(PATH, body(funded, alice, 200, request_id="r"))
        assert (again.status_code, again.content) == (200, first.content)

    def test_the_header_wins_over_the_request_id(self, api, funded, alice):
        ok(api.post(PATH, body(funded, alice, 10, request_id="r"), Idempotency_Key="a"), 201)
        ok(api.post(PATH, body(funded, alice, 10, request_id="r"), Idempotency_Key="b"), 201)
        other = api.post(PATH, body(funded, alice, 11, request_id="r"), Idempotency_Key="b")
        problem(other, 422, "idempotency_key_reused")

    def test_a_deducts_key_is_another_one(self, api, funded, alice):
        ok(api.post("credits/deduct", body(funded, alice, 10, request_id="r")), 201)
        ok(api.post(PATH, body(funded, alice, 10, request_id="r")), 201)

    def test_a_refusal_is_final_for_its_key(self, api, funded, bob):
        first = api.post(PATH, body(funded, bob, 501), Idempotency_Key="k")
        refused = problem(first, 402, "insufficient_credits")
        assert (refused["requested"], refused["remaining"]) == (501, 500)
        assert refused["why"]["refused_by"] == "allocation"
        give(funded, bob, 500)
        again = api.post(PATH, body(funded, bob, 501), Idempotency_Key="k")
        assert (again.status_code, again.content) == (402, first.content)
        assert again["Idempotent-Replayed"] == "true"
        ok(api.post(PATH, body(funded, bob, 501), Idempotency_Key="k2"), 201)

    def test_whom_it_is_refused(self, api, funded, charlie):
        problem(api.post(PATH, body(funded, charlie)), 422, "not_a_member")
        member = make_member(funded).user
        problem(api.post(PATH, body(funded, member)), 404, "no_allocation")
        unpriced = {**body(funded, member, None, quantity=1), "service_name": "fax"}
        give(funded, member, 10)
        problem(api.post(PATH, unpriced), 422, "unknown_service")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("ttl_seconds", 0),
            ("ttl_seconds", -1),
            ("ttl_seconds", 86_401),
            ("ttl_seconds", 900.0),
            ("ttl_seconds", True),
            ("ttl_seconds", "900"),
            ("ttl_seconds", None),
            ("ttl_seconds", 10**400),
            ("credits", 0),
            ("credits", 10**15 + 1),
            ("quantity", 1),
            ("user_id", "alice"),
            ("service_name", ""),
            ("metadata", []),
        ],
    )
    def test_bad_fields(self, api, funded, alice, field, value):
        answer = api.post(PATH, {**body(funded, alice), field: value})
        refused = problem(answer, 400, "validation_error")
        assert refused["errors"][0]["field"] in {field, "credits"}
        assert Hold.objects.count() == 0

    @pytest.mark.parametrize("field", ["id", "status", "captured_credits", "expires_at", "hold_id"])
    def test_fields_that_are_not_the_callers(self, api, funded, alice, field):
        problem(api.post(PATH, body(funded, alice, **{field: 1})), 400, "unknown_field")

    def test_an_unknown_organization_before_a_bad_field(
        self, funded, alice, client_for, system_key
    ):
        unknown = {**body(funded, alice), "org_id": str(uuid7()), "ttl_seconds": 0}
        problem(client_for(system_key).post(PATH, unknown), 404, "not_found")

    def test_who_may(self, funded, alice, bob, charlie, client_for):
        ok(client_for(bob).post(PATH, body(funded, bob)), 201)
        problem(client_for(bob).post(PATH, body(funded, alice)), 403, "permission_denied")
        problem(client_for(charlie).post(PATH, body(funded, alice)), 403, "permission_denied")
        ok(client_for(alice).post(PATH, body(funded, bob)), 201)
        reader = make_key(funded, Scope.CREDITS_READ)[1]
        problem(client_for(reader).post(PATH, body(funded, alice)), 403, "permission_denied")
        problem(client_for().post(PATH, body(funded, alice)), 401, "not_authenticated")


class TestReading:
    def test_an_elapsed_hold_reads_expired_and_its_credits_are_back(self, api, funded, alice):
        with simulated(now() - timedelta(minutes=20)):
            made = ok(api.post(PATH, body(funded, alice, 200)), 201)
        assert Hold.objects.get().status == "pending"
        assert ok(api.get(f"{PATH}/{made['id']}"))["status"] == "expired"
        (allocation,) = ok(api.get(f"credits/user/{alice.pk}"))["allocations"]
        assert (allocation["remaining_credits"], allocation["held_credits"]) == (1_000, 0)
        assert allocation["allocated_credits"] == 1_000
        rows = ok(api.get(f"credits/{funded.pk}/allocations"))["results"]
        assert [row["held_credits"] for row in rows] == [0, 0]
        pool = ok(api.get(f"credits/{funded.pk}"))
        assert (pool["held_credits"], pool["allocated_credits"]) == (0, 1_500)
        ok(api.post("credits/deduct", body(funded, alice, 1_000)), 201)

    def test_who_may(self, funded, alice, bob, charlie, hold, client_for):
        path = f"{PATH}/{hold['id']}"
        reader = make_key(funded, Scope.CREDITS_READ)[1]
        spender = make_key(funded, Scope.CREDITS_DEDUCT)[1]
        ok(client_for(reader).get(path))
        problem(client_for(spender).get(path), 403, "permission_denied")
        problem(client_for(bob).get(path), 403, "permission_denied")
        problem(client_for(charlie).get(path), 403, "permission_denied")
        ok(client_for(alice).get(path))
        own = ok(client_for(bob).post(PATH, body(funded, bob)), 201)
        ok(client_for(bob).get(f"{PATH}/{own['id']}"))
        ok(client_for(make_member(funded, Role.BILLING_ADMIN).user).get(path))

    def test_unknown_and_malformed(self, api, hold):
        problem(api.get(f"{PATH}/{uuid7()}"), 404, "not_found")
        problem(api.get(f"{PATH}/nonsense"), 404, "not_found")
        problem(api.get(f"{PATH}/{hold['id']}?nope=1"), 400, "validation_error")
        problem(api.get(PATH), 405, "method_not_allowed")


@pytest.mark.django_db(databases=["default", "counters"])
def test_the_service_budget_counts(funded, alice, alpha_key, client_for, settings):
    settings.RATE_LIMIT_SERVICE = "1000/m"
    api = client_for(alpha_key)
    made = api.post(PATH, body(funded, alice))
    assert made["RateLimit-Policy"].startswith('"service"')
    hold = ok(made, 201)
    assert api.get(f"{PATH}/{hold['id']}")["RateLimit-Policy"].startswith('"service"')
    assert capture(api, hold)["RateLimit-Policy"].startswith('"service"')
    assert release(api, hold)["RateLimit-Policy"].startswith('"service"')
