"""Deductions over HTTP: numbers, keys, refusals, who may."""

import pytest

from credits.models import Allocation, CreditPool, StoredAnswer, Usage
from credits.suspension import reactivate, suspend
from organizations.choices import Role, Scope
from tests.api_client import ok, problem
from tests.factories import make_key, make_member
from tests.ledger import fund, give, let_spend

pytestmark = pytest.mark.django_db
PATH = "credits/deduct"


def body(org, user, credits=50, **more):
    return {
        "org_id": str(org.pk),
        "user_id": str(user.pk),
        "service_name": "company_enrichment",
        **({"credits": credits} if credits is not None else {}),
        **more,
    }


def test_the_scenario_in_numbers(alpha, alice, bob, system_key, client_for):
    api = client_for(system_key)
    fund(alpha, 10_000)
    let_spend(alpha)
    pool = ok(api.get(f"credits/{alpha.pk}"))
    assert (pool["total_credits"], pool["available_credits"]) == (10_000, 10_000)

    given = ok(
        api.post(f"credits/{alpha.pk}/allocate", {"user_id": str(alice.pk), "credits": 1_000}), 201
    )
    assert given["pool"]["available_credits"] == 9_000
    usage = ok(api.post(PATH, body(alpha, alice)), 201)
    assert usage["credits_used"] == 50
    assert usage["remaining_credits"] == 950
    ok(api.post(f"credits/{alpha.pk}/allocate", {"user_id": str(bob.pk), "credits": 500}), 201)

    (hers,) = ok(api.get(f"credits/user/{alice.pk}"))["allocations"]
    assert (hers["remaining_credits"], hers["used_credits"], hers["allocated_credits"]) == (
        950,
        50,
        1_000,
    )
    (his,) = ok(api.get(f"credits/user/{bob.pk}"))["allocations"]
    assert (his["remaining_credits"], his["used_credits"]) == (500, 0)
    pool = ok(api.get(f"credits/{alpha.pk}"))
    assert (pool["total_credits"], pool["available_credits"], pool["used_credits"]) == (
        10_000,
        8_500,
        50,
    )


def test_the_usage_row_says_everything(funded, alice, alpha_key, client_for):
    usage = ok(
        client_for(alpha_key).post(
            PATH,
            body(funded, alice, service_type="api", metadata={"company": "acme"}, request_id="r-1"),
            X_Request_ID="trace.7",
        ),
        201,
    )
    row = Usage.objects.get(pk=usage["id"])
    allocation = Allocation.objects.get(org=funded, user=alice)
    assert usage == {
        "id": str(row.pk),
        "org_id": str(funded.pk),
        "user_id": str(alice.pk),
        "allocation_id": str(allocation.pk),
        "credits_used": 50,
        "overage_credits": 0,
        "service_type": "api",
        "service_name": "company_enrichment",
        "unit_price": None,
        "quantity": None,
        "price_version": None,
        "request_id": "r-1",
        "metadata": {"company": "acme"},
        "refunded_credits": 0,
        "refund_of": None,
        "hold_id": None,
        "remaining_credits": 950,
        "created_at": usage["created_at"],
    }
    assert row.actor.startswith("key:")
    listed = ok(client_for(alpha_key).get(f"credits/{funded.pk}/usage"))["results"]
    assert listed == [usage]


def test_without_a_request_id_the_header_is_kept_and_is_no_key(
    funded, alice, alpha_key, client_for
):
    api = client_for(alpha_key)
    first = ok(api.post(PATH, body(funded, alice), X_Request_ID="same"), 201)
    second = ok(api.post(PATH, body(funded, alice), X_Request_ID="same"), 201)
    assert first["request_id"] == second["request_id"] == "same"
    assert second["remaining_credits"] == 900


class TestKeys:
    def test_a_retry_answers_the_first_charge(self, funded, alice, alpha_key, client_for):
        api = client_for(alpha_key)
        first = api.post(PATH, body(funded, alice), Idempotency_Key="k-1")
        ok(api.post(PATH, body(funded, alice, 10)), 201)
        again = api.post(PATH, body(funded, alice), Idempotency_Key="k-1")
        assert first.status_code == 201
        assert again.status_code == 200
        assert again.content == first.content
        assert again["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first
        assert Allocation.objects.get(org=funded, user=alice).remaining_credits == 940

    def test_the_bodys_request_id_serves_as_key(self, funded, alice, alpha_key, client_for):
        api = client_for(alpha_key)
        first = api.post(PATH, body(funded, alice, request_id="r-1"))
        again = api.post(PATH, body(funded, alice, request_id="r-1"))
        assert again.status_code == 200
        assert again.content == first.content

    def test_the_header_wins_over_the_request_id(self, funded, alice, alpha_key, client_for):
        api = client_for(alpha_key)
        ok(api.post(PATH, body(funded, alice, request_id="r"), Idempotency_Key="k-1"), 201)
        ok(api.post(PATH, body(funded, alice, request_id="r"), Idempotency_Key="k-2"), 201)
        assert Usage.objects.count() == 2

    def test_another_body_is_refused(self, funded, alice, alpha_key, client_for):
        api = client_for(alpha_key)
        ok(api.post(PATH, body(funded, alice), Idempotency_Key="k-1"), 201)
        problem(
            api.post(PATH, body(funded, alice, 51), Idempotency_Key="k-1"),
            422,
            "idempotency_key_reused",
        )
        assert Usage.objects.count() == 1

    def test_the_same_key_in_two_organizations_is_two_keys(
        self, funded, alice, globex, charlie, system_key, client_for
    ):
        fund(globex, 100)
        let_spend(globex)
        give(globex, charlie, 100)
        api = client_for(system_key)
        ok(api.post(PATH, body(funded, alice), Idempotency_Key="k"), 201)
        ok(api.post(PATH, body(globex, charlie), Idempotency_Key="k"), 201)

    def test_a_refusal_is_final_for_its_key(self, funded, alice, alpha_key, client_for):
        api = client_for(alpha_key)
        first = api.post(PATH, body(funded, alice, 1_500), Idempotency_Key="k-1")
        problem(first, 402, "insufficient_credits")
        give(funded, alice, 5_000)
        again = api.post(PATH, body(funded, alice, 1_500), Idempotency_Key="k-1")
        assert again.status_code == 402
        assert again.content == first.content
        assert again["Idempotent-Replayed"] == "true"
        assert again["Content-Type"] == "application/problem+json"
        problem(
            api.post(PATH, body(funded, alice, 1_501), Idempotency_Key="k-1"),
            422,
            "idempotency_key_reused",
        )
        ok(api.post(PATH, body(funded, alice, 1_500), Idempotency_Key="k-2"), 201)

    def test_a_refusals_key_is_free_after_seven_days(self, funded, alice, alpha_key, client_for):
        api = client_for(alpha_key)
        problem(
            api.post(PATH, body(funded, alice, 1_500), Idempotency_Key="k"),
            402,
            "insufficient_credits",
        )
        stored = StoredAnswer.objects.get()
        assert (stored.expires_at - stored.created_at).days == 7
        StoredAnswer.objects.update(expires_at=stored.created_at)
        give(funded, alice, 5_000)
        ok(api.post(PATH, body(funded, alice, 1_500), Idempotency_Key="k"), 201)

    def test_other_refusals_leave_the_key_free(self, funded, alice, alpha_key, client_for):
        api = client_for(alpha_key)
        CreditPool.objects.set_entitlement(org_id=funded.pk, spending_until=None, price_plan=None)
        problem(
            api.post(PATH, body(funded, alice), Idempotency_Key="k"), 422, "subscription_inactive"
        )
        let_spend(funded)
        ok(api.post(PATH, body(funded, alice), Idempotency_Key="k"), 201)

    def test_a_replay_needs_no_live_subscription_but_permission(
        self, funded, alice, alpha_key, globex_key, client_for
    ):
        ok(client_for(alpha_key).post(PATH, body(funded, alice), Idempotency_Key="k"), 201)
        CreditPool.objects.set_entitlement(org_id=funded.pk, spending_until=None, price_plan=None)
        ok(client_for(alpha_key).post(PATH, body(funded, alice), Idempotency_Key="k"), 200)
        problem(
            client_for(globex_key).post(PATH, body(funded, alice), Idempotency_Key="k"),
            403,
            "permission_denied",
        )

    @pytest.mark.parametrize("key", ["", " ", "a b", "ä", "k" * 256])
    def test_a_malformed_key_is_refused(self, funded, alice, alpha_key, client_for, key):
        refused = problem(
            client_for(alpha_key).post(PATH, body(funded, alice), Idempotency_Key=key),
            400,
            "validation_error",
        )
        assert refused["errors"][0]["field"] == "Idempotency-Key"
        assert Usage.objects.count() == 0


class TestRefusals:
    def test_insufficient_says_why_and_what_would_fix_it(self, funded, bob, alpha_key, client_for):
        refused = problem(
            client_for(alpha_key).post(PATH, body(funded, bob, 501)), 402, "insufficient_credits"
        )
        assert refused["detail"] == "Bob has 500 credits left in Test Org Alpha; 501 are needed."
        assert (refused["requested"], refused["remaining"]) == (501, 500)
        why = refused["why"]
        limits = [one["limit"] for one in why["evaluated"]]
        gates = ["organization", "membership", "allocation_active", "subscription"]
        assert limits == [*gates, "allocation", "overage"]
        assert [one["passed"] for one in why["evaluated"]] == [True] * 4 + [False] * 2
        assert why["refused_by"] == "allocation"
        assert why["evaluated"][4]["short_by"] == 1
        assert why["resets_at"] is not None
        assert "Allocate at least 1 more" in why["fix"]
        assert Usage.objects.count() == 0

    def test_not_a_member(self, funded, charlie, alpha_key, client_for):
        problem(client_for(alpha_key).post(PATH, body(funded, charlie)), 422, "not_a_member")

    def test_an_unknown_user(self, funded, alice, alpha_key, client_for):
        nobody = {**body(funded, alice), "user_id": "00000000-0000-4000-8000-000000000000"}
        problem(client_for(alpha_key).post(PATH, nobody), 422, "not_a_member")

    def test_no_allocation(self, funded, alpha_key, client_for):
        member = make_member(funded)
        problem(client_for(alpha_key).post(PATH, body(funded, member.user)), 404, "no_allocation")

    def test_an_unknown_organization_before_a_bad_field(
        self, funded, alice, system_key, client_for
    ):
        unknown = {**body(funded, alice), "org_id": "00000000-0000-4000-8000-000000000000"}
        problem(client_for(system_key).post(PATH, unknown), 404, "not_found")
        problem(client_for(system_key).post(PATH, {**unknown, "credits": -1}), 404, "not_found")

    def test_suspended(self, funded, alice, alpha_key, client_for):
        suspend(funded.pk, by=None)
        problem(
            client_for(alpha_key).post(PATH, body(funded, alice)), 422, "organization_suspended"
        )
        reactivate(funded.pk, by=None)
        ok(client_for(alpha_key).post(PATH, body(funded, alice)), 201)

    def test_a_removed_member(self, funded, bob, alice, alpha_key, client_for):
        ok(client_for(alice).delete(f"organizations/{funded.pk}/members/{bob.pk}"), 204)
        problem(client_for(alpha_key).post(PATH, body(funded, bob)), 422, "not_a_member")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("credits", 0),
            ("credits", -5_000),
            ("credits", 10**15 + 1),
            ("credits", 10**400),
            ("credits", True),
            ("credits", 1.0),
            ("credits", "50"),
            ("credits", None),
            ("user_id", "alice"),
            ("user_id", 7),
            ("service_name", ""),
            ("service_name", "x" * 101),
            ("service_name", "a\x00b"),
            ("metadata", []),
            ("metadata", {"big": "x" * 9_000}),
            ("request_id", ""),
            ("quantity", 1),
        ],
    )
    def test_bad_fields_change_nothing(self, funded, alice, alpha_key, client_for, field, value):
        refused = client_for(alpha_key).post(PATH, {**body(funded, alice), field: value})
        problem(refused, 400, "malformed_json" if value == "a\x00b" else "validation_error")
        assert Usage.objects.count() == 0
        assert Allocation.objects.get(org=funded, user=alice).remaining_credits == 1_000

    def test_a_typo_is_no_field(self, funded, alice, alpha_key, client_for):
        problem(
            client_for(alpha_key).post(PATH, body(funded, alice, amount=5)), 400, "unknown_field"
        )


class TestPrices:
    def test_quantity_is_priced_by_the_catalogue(self, funded, alice, alpha_key, client_for):
        usage = ok(client_for(alpha_key).post(PATH, body(funded, alice, None, quantity=3)), 201)
        assert (usage["credits_used"], usage["unit_price"], usage["quantity"]) == (150, 50, 3)
        assert usage["price_version"] == 1
        assert usage["remaining_credits"] == 850

    def test_byok_is_free_and_still_attributed(self, funded, alice, alpha_key, client_for):
        let_spend(funded, "byok")
        usage = ok(client_for(alpha_key).post(PATH, body(funded, alice, None, quantity=3)), 201)
        assert (usage["credits_used"], usage["unit_price"], usage["quantity"]) == (0, 0, 3)
        assert usage["remaining_credits"] == 1_000

    def test_credits_are_charged_as_sent_whatever_the_plan(
        self, funded, alice, alpha_key, client_for
    ):
        let_spend(funded, "byok")
        usage = ok(client_for(alpha_key).post(PATH, body(funded, alice, 50)), 201)
        assert (usage["credits_used"], usage["unit_price"]) == (50, None)

    def test_an_unknown_service_has_no_price(self, funded, alice, alpha_key, client_for):
        api = client_for(alpha_key)
        unknown = {**body(funded, alice, None, quantity=1), "service_name": "fax"}
        problem(api.post(PATH, unknown), 422, "unknown_service")
        ok(api.post(PATH, {**body(funded, alice, 5), "service_name": "fax"}), 201)

    def test_a_price_beyond_one_charge_is_refused(self, funded, alice, alpha_key, client_for):
        refused = client_for(alpha_key).post(PATH, body(funded, alice, None, quantity=10**15))
        problem(refused, 400, "validation_error")

    def test_the_catalogue_is_listed(self, alpha_key, client_for):
        prices = ok(client_for(alpha_key).get("prices"))["results"]
        assert [price["service_name"] for price in prices] == [
            "bulk_export",
            "company_enrichment",
            "contact_lookup",
            "intelligence_cache_lookup",
        ]
        assert prices[1]["credits"] == {"platform": 50, "byok": 0, "hybrid": 50}


class TestWhoMay:
    def test_a_member_spends_their_own_only(self, funded, alice, bob, client_for):
        ok(client_for(bob).post(PATH, body(funded, bob)), 201)
        problem(client_for(bob).post(PATH, body(funded, alice)), 403, "permission_denied")
        ok(client_for(alice).post(PATH, body(funded, bob)), 201)

    @pytest.mark.parametrize("named", ["bob", None, 7, ""])
    def test_a_member_who_names_nobody_is_told_so(self, funded, bob, client_for, named):
        asked = {**body(funded, bob), "user_id": named}
        refused = problem(client_for(bob).post(PATH, asked), 400, "validation_error")
        assert [error["field"] for error in refused["errors"]] == ["user_id"]

    def test_strangers_are_refused_before_any_field(self, funded, alice, charlie, client_for):
        problem(
            client_for(charlie).post(PATH, {"org_id": str(funded.pk), "credits": -1}),
            403,
            "permission_denied",
        )

    def test_a_key_needs_the_scope(self, funded, alice, client_for):
        _key, plaintext = make_key(funded, Scope.CREDITS_READ)
        problem(client_for(plaintext).post(PATH, body(funded, alice)), 403, "permission_denied")

    def test_billing_admins_spend_for_members(self, funded, bob, client_for):
        admin = make_member(funded, Role.BILLING_ADMIN).user
        ok(client_for(admin).post(PATH, body(funded, bob)), 201)


@pytest.mark.django_db(transaction=True)
def test_one_charge_costs_two_queries(
    funded, alice, alpha_key, client_for, django_assert_num_queries
):
    """The key and the charge; the rate count, off in tests, is the third."""
    api = client_for(alpha_key)
    ok(api.post(PATH, body(funded, alice, request_id="warm")), 201)
    with django_assert_num_queries(2):
        ok(api.post(PATH, body(funded, alice, request_id="r")), 201)
