"""Batches over HTTP: an outcome an item, or all or nothing."""

import json

import pytest

from credits.models import Allocation, CreditPool, Usage
from organizations.choices import Role, Scope
from orgbilling.lib.ids import uuid7
from tests.api_client import ok, problem
from tests.credits.test_deduct import PATH as DEDUCT
from tests.credits.test_deduct import body
from tests.factories import make_key, make_member
from tests.ledger import give, let_spend

pytestmark = pytest.mark.django_db
PATH = "credits/deduct/batch"


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


def remaining(org, user):
    return Allocation.objects.get(org=org, user=user).remaining_credits


def statuses(answer):
    return [result["status"] for result in answer["results"]]


def test_every_item_in_the_order_sent(api, funded, alice, bob):
    items = [body(funded, user, credits) for user, credits in ((alice, 10), (bob, 20), (alice, 30))]
    answer = ok(api.post(PATH, {"items": items}))
    assert set(answer) == {"results", "deducted", "failed"}
    assert (answer["deducted"], answer["failed"]) == (3, 0)
    assert statuses(answer) == [201, 201, 201]
    usages = [result["usage"] for result in answer["results"]]
    assert [usage["credits_used"] for usage in usages] == [10, 20, 30]
    assert [usage["remaining_credits"] for usage in usages] == [990, 480, 960]
    assert all(set(result) == {"status", "usage"} for result in answer["results"])
    listed = {row["id"]: row for row in ok(api.get(f"credits/{funded.pk}/usage"))["results"]}
    assert listed == {usage["id"]: usage for usage in usages}
    assert (remaining(funded, alice), remaining(funded, bob)) == (960, 480)


def test_each_item_has_the_status_it_would_have_had_alone(api, funded, alice, bob, charlie):
    bare = make_member(funded).user
    ok(api.post(DEDUCT, body(funded, alice, 1, request_id="before")), 201)
    items = [
        body(funded, alice, 5),
        body(funded, bob, 501),
        body(funded, charlie, 5),
        body(funded, bare, 5),
        {**body(funded, bob, None, quantity=1), "service_name": "fax"},
        body(funded, alice, 0),
        body(funded, alice, 5, amount=1),
        body(funded, alice, 1, request_id="before"),
        body(funded, alice, 2, request_id="before"),
        body(funded, alice, None, quantity=2),
    ]
    answer = ok(api.post(PATH, {"items": items}))
    assert statuses(answer) == [201, 402, 422, 404, 422, 400, 400, 200, 422, 201]
    assert (answer["deducted"], answer["failed"]) == (3, 7)
    codes = [result.get("error", {}).get("code") for result in answer["results"]]
    assert codes == [
        None, "insufficient_credits", "not_a_member", "no_allocation", "unknown_service",
        "validation_error", "unknown_field", None, "idempotency_key_reused", None,
    ]  # fmt: skip
    for result in answer["results"]:
        if "error" in result:
            error = result["error"]
            assert error["status"] == result["status"]
            assert error["type"].endswith(f"/problems/{error['code']}")
            assert error["title"]
            assert error["detail"]
            assert error["request_id"]
    refused = answer["results"][1]["error"]
    assert (refused["requested"], refused["remaining"]) == (501, 500)
    assert refused["why"]["refused_by"] == "allocation"
    assert answer["results"][5]["error"]["errors"][0]["field"] == "credits"
    assert answer["results"][6]["error"]["unknown_fields"] == ["amount"]
    assert (remaining(funded, alice), remaining(funded, bob)) == (894, 500)


def test_an_item_that_spends_the_last_refuses_the_next(api, funded, bob):
    items = [body(funded, bob, 300), body(funded, bob, 300), body(funded, bob, 200)]
    answer = ok(api.post(PATH, {"items": items}))
    assert statuses(answer) == [201, 402, 201]
    assert remaining(funded, bob) == 0


def test_a_refused_item_tells_the_numbers_of_its_turn(api, funded, bob):
    items = [body(funded, bob, 300), body(funded, bob, 300), body(funded, bob, 200)]
    refused = ok(api.post(PATH, {"items": items}))["results"][1]["error"]
    assert (refused["requested"], refused["remaining"]) == (300, 200)


@pytest.mark.parametrize(
    "broken",
    [
        {"credits": True},
        {"credits": None},
        {"credits": 1.5},
        {"credits": 10**400},
        {"quantity": 1},
        {"user_id": 7},
        {"user_id": None},
        {"service_name": "x" * 101},
        {"metadata": {"big": "x" * 9_000}},
        {"metadata": "x"},
        {"request_id": ""},
        {"request_id": "x" * 256},
        {"service_type": []},
    ],
)
def test_a_malformed_item_fails_alone(api, funded, alice, broken):
    answer = ok(api.post(PATH, {"items": [{**body(funded, alice), **broken}, body(funded, alice)]}))
    assert statuses(answer) == [400, 201]
    assert answer["results"][0]["error"]["code"] == "validation_error"
    assert (answer["deducted"], answer["failed"]) == (1, 1)


class TestKeys:
    def test_a_retried_batch_charges_nothing_twice(self, api, funded, alice, bob):
        items = [body(funded, alice, 10, request_id="a"), body(funded, bob, 20, request_id="b")]
        first = ok(api.post(PATH, {"items": items}))
        again = ok(api.post(PATH, {"items": items[::-1]}))
        assert statuses(again) == [200, 200]
        assert (again["deducted"], again["failed"]) == (2, 0)
        usages = [result["usage"] for result in again["results"]]
        assert usages[::-1] == [result["usage"] for result in first["results"]]
        assert Usage.objects.count() == 2

    def test_single_and_batch_are_one_operation(self, api, funded, alice):
        item = body(funded, alice, 10, request_id="a", metadata={"x": 1})
        single = ok(api.post(DEDUCT, item), 201)
        answer = ok(api.post(PATH, {"items": [item]}))
        assert statuses(answer) == [200]
        assert answer["results"][0]["usage"] == single
        other = body(funded, alice, 11, request_id="b")
        charged = ok(api.post(PATH, {"items": [other]}))["results"][0]["usage"]
        again = api.post(DEDUCT, other)
        assert (again.status_code, json.loads(again.content)) == (200, charged)

    def test_the_same_key_twice_in_one_batch(self, api, funded, alice):
        item = body(funded, alice, 10, request_id="a")
        answer = ok(api.post(PATH, {"items": [item, item, {**item, "credits": 11}]}))
        assert statuses(answer) == [201, 200, 422]
        assert remaining(funded, alice) == 990

    def test_a_refusal_is_final_for_the_items_key(self, api, funded, bob):
        item = body(funded, bob, 501, request_id="a")
        first = ok(api.post(PATH, {"items": [item]}))
        assert statuses(first) == [402]
        give(funded, bob, 500)
        again = ok(api.post(PATH, {"items": [item]}))
        assert again["results"] == first["results"]
        alone = api.post(DEDUCT, item)
        assert (alone.status_code, json.loads(alone.content)) == (402, first["results"][0]["error"])
        assert remaining(funded, bob) == 1_000

    def test_a_key_for_the_whole(self, api, funded, alice):
        batch = {"items": [body(funded, alice, 10), body(funded, alice, 0)]}
        first = api.post(PATH, batch, Idempotency_Key="k")
        assert statuses(ok(first)) == [201, 400]
        again = api.post(PATH, batch, Idempotency_Key="k")
        assert (again.status_code, again.content) == (200, first.content)
        assert again["Idempotent-Replayed"] == "true"
        assert Usage.objects.count() == 1
        other = {"items": [body(funded, alice, 11)]}
        problem(api.post(PATH, other, Idempotency_Key="k"), 422, "idempotency_key_reused")
        # The key is the batch's: a single deduction's is another.
        ok(api.post(DEDUCT, body(funded, alice, 10), Idempotency_Key="k"), 201)

    def test_a_key_for_the_whole_beside_keys_of_items(self, api, funded, alice):
        item = body(funded, alice, 10, request_id="a")
        ok(api.post(PATH, {"items": [item]}, Idempotency_Key="k"))
        again = ok(api.post(PATH, {"items": [item]}, Idempotency_Key="k2"))
        assert statuses(again) == [200]
        assert Usage.objects.count() == 1

    def test_a_malformed_key(self, api, funded, alice):
        batch = {"items": [body(funded, alice)]}
        problem(api.post(PATH, batch, Idempotency_Key="a b"), 400, "validation_error")
        assert Usage.objects.count() == 0


class TestAtomic:
    def test_all_of_them(self, api, funded, alice, bob):
        items = [body(funded, alice, 10), body(funded, bob, 20)]
        answer = ok(api.post(PATH, {"items": items, "atomic": True}))
        assert (statuses(answer), answer["deducted"]) == ([201, 201], 2)

    @pytest.mark.parametrize("key", [{}, {"Idempotency_Key": "k"}])
    def test_or_none(self, api, funded, alice, bob, charlie, key):
        good = body(funded, alice, 10, request_id="good")
        for bad, status, code, field in [
            (body(funded, bob, 501), 402, "insufficient_credits", "items.1"),
            (body(funded, charlie, 5), 422, "not_a_member", "items.1"),
            (body(funded, bob, 0), 400, "validation_error", "items.1.credits"),
            (body(funded, bob, 5, nope=1), 400, "unknown_field", "items.1"),
            (body(funded, alice, 11, request_id="good"), 422, "idempotency_key_reused", "items.1"),
        ]:
            headers = {name: f"{value}-{code}" for name, value in key.items()}
            answer = api.post(PATH, {"items": [good, bad], "atomic": True}, **headers)
            refused = problem(answer, status, code)
            assert [error["field"] for error in refused["errors"]] == [field]
            assert all(error["code"] and error["detail"] for error in refused["errors"])
            assert Usage.objects.count() == 0
            assert (remaining(funded, alice), remaining(funded, bob)) == (1_000, 500)
        # Nothing that was undone holds a key.
        ok(api.post(DEDUCT, good), 201)

    def test_a_refusal_is_final_for_the_batchs_key(self, api, funded, bob):
        batch = {"items": [body(funded, bob, 501)], "atomic": True}
        first = api.post(PATH, batch, Idempotency_Key="k")
        problem(first, 402, "insufficient_credits")
        give(funded, bob, 500)
        again = api.post(PATH, batch, Idempotency_Key="k")
        assert (again.status_code, again.content) == (402, first.content)
        assert again["Idempotent-Replayed"] == "true"
        ok(api.post(PATH, batch, Idempotency_Key="k2"))

    def test_what_was_charged_before_is_no_refusal(self, api, funded, alice):
        item = body(funded, alice, 10, request_id="a")
        ok(api.post(DEDUCT, item), 201)
        answer = ok(api.post(PATH, {"items": [item, body(funded, alice, 5)], "atomic": True}))
        assert statuses(answer) == [200, 201]


class TestTheBatchItself:
    @pytest.mark.parametrize(
        ("batch", "field"),
        [
            ({}, "items"),
            ({"items": []}, "items"),
            ({"items": None}, "items"),
            ({"items": "x"}, "items"),
            ({"items": {}}, "items"),
            ({"items": [1]}, "items.0.org_id"),
            ({"items": [None]}, "items.0.org_id"),
            ({"items": [[]]}, "items.0.org_id"),
            ({"items": [{}]}, "items.0.org_id"),
            ({"items": [{"org_id": "nonsense"}]}, "items.0.org_id"),
            ({"items": [{"org_id": 7}]}, "items.0.org_id"),
        ],
    )
    def test_400_for_the_whole(self, api, batch, field):
        refused = problem(api.post(PATH, batch), 400, "validation_error")
        assert [error["field"] for error in refused["errors"]] == [field]

    def test_one_organization_only(self, api, funded, alice, globex, charlie):
        items = [body(funded, alice), body(globex, charlie)]
        refused = problem(api.post(PATH, {"items": items}), 400, "validation_error")
        assert refused["errors"][0]["field"] == "items.1.org_id"
        nobody = [body(funded, alice), {"user_id": str(alice.pk)}]
        problem(api.post(PATH, {"items": nobody}), 400, "validation_error")
        assert Usage.objects.count() == 0

    def test_its_other_fields(self, api, funded, alice):
        items = [body(funded, alice)]
        problem(api.post(PATH, {"items": items, "atomic": 1}), 400, "validation_error")
        problem(api.post(PATH, {"items": items, "atomic": None}), 400, "validation_error")
        problem(api.post(PATH, {"items": items, "org_id": str(funded.pk)}), 400, "unknown_field")
        assert Usage.objects.count() == 0

    def test_a_thousand_and_no_more(self, api, funded, alice):
        give(funded, alice, 1_000)
        answer = ok(api.post(PATH, {"items": [body(funded, alice, 1)] * 1_000}))
        assert (answer["deducted"], answer["failed"]) == (1_000, 0)
        assert remaining(funded, alice) == 1_000
        refused = api.post(PATH, {"items": [body(funded, alice, 1)] * 1_001})
        assert problem(refused, 400, "validation_error")["errors"][0]["field"] == "items"

    def test_a_mebibyte_and_no_more(self, api, funded, alice):
        items = [body(funded, alice, 1, metadata={"x": "y" * 7_000})] * 100
        assert ok(api.post(PATH, {"items": items}))["deducted"] == 100
        refused = problem(api.post(PATH, {"items": items * 2}), 413, "body_too_large")
        assert refused["max_bytes"] == 1024 * 1024

    def test_403_before_whatever_else_is_wrong(self, funded, alice, charlie, client_for):
        items = [{"org_id": str(funded.pk), "nope": 1}] * 1_001
        problem(client_for(charlie).post(PATH, {"items": items}), 403, "permission_denied")
        reader = client_for(make_key(funded, Scope.CREDITS_READ)[1])
        problem(reader.post(PATH, {"items": [body(funded, alice)]}), 403, "permission_denied")

    def test_an_unknown_organization(self, funded, alice, system_key, client_for):
        unknown = {**body(funded, alice), "org_id": str(uuid7())}
        batch = {"items": [unknown], "nope": 1}
        problem(client_for(system_key).post(PATH, batch), 404, "not_found")

    @pytest.mark.django_db(databases=["default", "counters"])
    def test_the_service_budget_counts(self, api, funded, alice, settings):
        settings.RATE_LIMIT_SERVICE = "1000/m"
        answer = api.post(PATH, {"items": [body(funded, alice)]})
        assert answer["RateLimit-Policy"].startswith('"service"')

    def test_nobody_may_spend(self, api, funded, alice):
        CreditPool.objects.set_entitlement(org_id=funded.pk, spending_until=None, price_plan=None)
        answer = ok(api.post(PATH, {"items": [body(funded, alice)]}))
        assert answer["results"][0]["error"]["code"] == "subscription_inactive"
        let_spend(funded)


class TestWhoMay:
    def test_a_members_item_for_somebody_else_fails_alone(self, funded, alice, bob, client_for):
        items = [body(funded, bob, 5), body(funded, alice, 5), body(funded, bob, 0)]
        answer = ok(client_for(bob).post(PATH, {"items": items}))
        assert statuses(answer) == [201, 403, 400]
        assert answer["results"][1]["error"]["code"] == "permission_denied"
        assert remaining(funded, alice) == 1_000

    def test_an_atomic_batch_with_one_is_403(self, funded, alice, bob, client_for):
        items = [body(funded, bob, 0), body(funded, alice, 5)]
        answer = client_for(bob).post(PATH, {"items": items, "atomic": True})
        refused = problem(answer, 403, "permission_denied")
        assert [error["field"] for error in refused["errors"]] == ["items.1"]

    def test_a_members_item_that_names_nobody_is_malformed(self, funded, bob, client_for):
        items = [{**body(funded, bob, 5), "user_id": named} for named in ("bob", None, 7)]
        assert statuses(ok(client_for(bob).post(PATH, {"items": items}))) == [400, 400, 400]

    def test_billing_roles_and_keys_for_anybody(self, funded, alice, bob, client_for):
        items = [body(funded, bob, 5), body(funded, alice, 5)]
        admin = make_member(funded, Role.BILLING_ADMIN).user
        for caller in (alice, admin, make_key(funded, Scope.CREDITS_DEDUCT)[1]):
            assert ok(client_for(caller).post(PATH, {"items": items}))["deducted"] == 2


def test_what_the_owner_was_answered_is_not_a_members_to_read(funded, alice, bob, client_for):
    asked = {"items": [body(funded, alice, 7)]}
    ok(client_for(alice).post(PATH, asked, Idempotency_Key="k"))
    answer = client_for(bob).post(PATH, asked, Idempotency_Key="k")
    assert "usage" not in problem(answer, 422, "idempotency_key_reused")


def test_a_members_batch_with_somebody_elses_item_charges_once(funded, alice, bob, client_for):
    asked = {"items": [body(funded, bob, 5), body(funded, alice, 5)]}
    first = client_for(bob).post(PATH, asked, Idempotency_Key="k")
    assert statuses(ok(first)) == [201, 403]
    again = client_for(bob).post(PATH, asked, Idempotency_Key="k")
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert remaining(funded, bob) == 495
    other = {"items": [body(funded, bob, 6), body(funded, alice, 5)]}
    answer = client_for(bob).post(PATH, other, Idempotency_Key="k")
    problem(answer, 422, "idempotency_key_reused")
    # Who may spend more meanwhile isn't charged the rest.
    problem(client_for(alice).post(PATH, asked, Idempotency_Key="k"), 422, "idempotency_key_reused")
    assert (remaining(funded, alice), remaining(funded, bob)) == (1_000, 495)
