"""Endpoints 1 to 5: every status, code and shape."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from billing.models import BillingEvent, Plan, Subscription
from organizations.choices import Role, Scope
from organizations.models import Organization
from orgbilling.lib.clock import database_now, now
from tests.api_client import ok, problem
from tests.billing.conftest import count_queries
from tests.factories import make_key, make_member, make_organization

SHAPE = {
    "id",
    "org_id",
    "org_name",
    "subscription_plan",
    "monthly_price",
    "currency",
    "billing_cycle",
    "status",
    "trial_ends_at",
    "current_period_start",
    "current_period_end",
    "cancel_at_period_end",
    "scheduled_plan",
    "canceled_at",
    "created_at",
    "updated_at",
}


def moment(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


def order(organization: Organization, plan: str = "platform", **more):
    return {"org_id": str(organization.id), "subscription_plan": plan, **more}


@pytest.fixture
def owner(alpha, alice, client_for):
    """Alice's client."""
    return client_for(alice)


def test_subscribing_answers_the_whole_shape(alpha, owner):
    document = ok(owner.post("subscriptions", order(alpha)), 201)
    assert set(document) == SHAPE
    start, end = (moment(document[f"current_period_{edge}"]) for edge in ("start", "end"))
    assert start == database_now().replace(microsecond=0)
    assert timedelta(days=28) <= end - start <= timedelta(days=31)
    assert {key: document[key] for key in SHAPE - {"id", "created_at", "updated_at"}} == {
        "org_id": str(alpha.id),
        "org_name": "Test Org Alpha",
        "subscription_plan": "platform",
        "monthly_price": "50.00",
        "currency": "USD",
        "billing_cycle": "monthly",
        "status": "active",
        "trial_ends_at": None,
        "current_period_start": document["current_period_start"],
        "current_period_end": document["current_period_end"],
        "cancel_at_period_end": False,
        "scheduled_plan": None,
        "canceled_at": None,
    }
    event = BillingEvent.objects.get(org=alpha)
    assert event.actor == f"user:{alpha.members.get(role='owner').user_id}"


@pytest.mark.parametrize(
    ("plan", "price"), [("platform", "50.00"), ("byok", "30.00"), ("hybrid", "99.00")]
)
def test_prices_come_from_the_catalogue(alpha, owner, plan, price):
    document = ok(owner.post("subscriptions", order(alpha, plan, billing_cycle="yearly")), 201)
    assert document["monthly_price"] == price
    assert document["billing_cycle"] == "yearly"
    assert BillingEvent.objects.get(org=alpha).amount == 10 * int(price[:2])


@pytest.mark.parametrize("days", [1, 90])
def test_a_trial(alpha, owner, days):
    document = ok(owner.post("subscriptions", order(alpha, trial_days=days)), 201)
    assert document["status"] == "trialing"
    assert document["trial_ends_at"] == document["current_period_end"]
    length = moment(document["trial_ends_at"]) - moment(document["current_period_start"])
    assert length == timedelta(days=days)


def test_two_trialing_subscriptions_are_refused(alpha, owner):
    ok(owner.post("subscriptions", order(alpha, trial_days=14)), 201)
    problem(owner.post("subscriptions", order(alpha, trial_days=14)), 409, "subscription_exists")
    problem(owner.post("subscriptions", order(alpha)), 409, "subscription_exists")
    assert Subscription.objects.filter(org=alpha).count() == 1


def test_a_price_set_by_the_client_is_refused(
    alpha, owner, system_admin, system_key, alpha_key, client_for
):
    body = order(alpha, monthly_price="0.01")
    for caller in (owner, client_for(alpha_key), client_for(system_key)):
        problem(caller.post("subscriptions", body), 403, "permission_denied")
    # 403 comes before any other field is looked at.
    junk = {**body, "monthly_price": None, "subscription_plan": 7, "typo": 1}
    problem(owner.post("subscriptions", junk), 403, "permission_denied")
    assert not Subscription.objects.exists()
    document = ok(client_for(system_admin).post("subscriptions", body), 201)
    assert document["monthly_price"] == "0.01"


def test_a_negative_price_is_refused_even_of_a_system_admin(alpha, system_admin, client_for):
    body = order(alpha, monthly_price="-5.00")
    document = problem(
        client_for(system_admin).post("subscriptions", body), 400, "validation_error"
    )
    assert document["errors"][0]["field"] == "monthly_price"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"subscription_plan": "enterprise"}, "subscription_plan"),
        ({"subscription_plan": None}, "subscription_plan"),
        ({"subscription_plan": ["platform"]}, "subscription_plan"),
        ({"billing_cycle": "weekly"}, "billing_cycle"),
        ({"trial_days": -1}, "trial_days"),
        ({"trial_days": 91}, "trial_days"),
        ({"trial_days": True}, "trial_days"),
        ({"trial_days": "7"}, "trial_days"),
        ({"trial_days": 7.0}, "trial_days"),
        ({"org_id": "test-org"}, "org_id"),
        ({"org_id": None}, "org_id"),
        ({"org_id": 7}, "org_id"),
    ],
)
def test_wrong_fields_are_named(alpha, owner, wrong, field):
    body = {**order(alpha), **wrong}
    document = problem(owner.post("subscriptions", body), 400, "validation_error")
    assert [error["field"] for error in document["errors"]] == [field]
    assert not Subscription.objects.exists()


def test_missing_and_unknown_fields(alpha, owner):
    document = problem(
        owner.post("subscriptions", {"org_id": str(alpha.id)}), 400, "validation_error"
    )
    assert document["errors"][0]["field"] == "subscription_plan"
    problem(owner.post("subscriptions", {}), 400, "validation_error")
    document = problem(
        owner.post("subscriptions", order(alpha, trail_days=7)), 400, "unknown_field"
    )
    assert document["unknown_fields"] == ["trail_days"]
    problem(owner.request("POST", "subscriptions", raw=b"{"), 400, "malformed_json")


def test_a_plan_not_offered_any_more(alpha, owner):
    Plan.objects.filter(code="byok").update(is_active=False)
    document = problem(owner.post("subscriptions", order(alpha, "byok")), 400, "validation_error")
    assert document["errors"][0]["code"] == "not_offered"


def test_a_suspended_organization(alpha, owner):
    Organization.objects.suspend(alpha.id, by=None)
    problem(owner.post("subscriptions", order(alpha)), 422, "organization_suspended")


def test_who_may_subscribe(alpha, alice, bob, charlie, globex, globex_key, client_for):
    body = order(alpha)
    problem(client_for().post("subscriptions", body), 401, "not_authenticated")
    for caller in (bob, charlie, globex_key):
        problem(client_for(caller).post("subscriptions", body), 403, "permission_denied")
    reader = make_key(alpha, Scope.BILLING_READ)[1]
    problem(client_for(reader).post("subscriptions", body), 403, "permission_denied")
    somewhere = {**body, "org_id": str(uuid.uuid4())}
    problem(client_for(alice).post("subscriptions", somewhere), 403, "permission_denied")


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.BILLING_ADMIN])
def test_org_billing_roles_may_subscribe(alpha, client_for, role):
    person = make_member(alpha, role).user
    ok(client_for(person).post("subscriptions", order(alpha)), 201)


def test_keys_may_subscribe(alpha, globex, alpha_key, system_key, client_for):
    ok(client_for(alpha_key).post("subscriptions", order(alpha)), 201)
    ok(client_for(system_key).post("subscriptions", order(globex)), 201)
    event = BillingEvent.objects.get(org=globex)
    assert event.actor.startswith("key:")


def test_an_unknown_organization_is_404_for_those_who_may_see_all(
    system_key, system_admin, client_for
):
    body = {"org_id": str(uuid.uuid4()), "subscription_plan": 7}
    for caller in (system_key, system_admin):
        problem(client_for(caller).post("subscriptions", body), 404, "not_found")


# --- Idempotency -----------------------------------------------------------------------------------


def test_a_replay_answers_the_same_bytes_and_writes_nothing(alpha, owner):
    body = order(alpha)
    first = owner.post("subscriptions", body, Idempotency_Key="k-1")
    ok(first, 201)
    assert "Idempotent-Replayed" not in first.headers
    spaced = json.dumps(dict(reversed(body.items())), indent=2).encode()
    again = owner.request("POST", "subscriptions", raw=spaced, Idempotency_Key="k-1")
    assert again.status_code == 201
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert BillingEvent.objects.filter(org=alpha).count() == 1
    event = BillingEvent.objects.get(org=alpha)
    assert (event.operation, event.idempotency_key) == ("subscriptions", "k-1")


def test_a_canceled_subscription_still_replays(alpha, owner):
    first = owner.post("subscriptions", order(alpha), Idempotency_Key="k-1")
    ok(owner.delete(f"subscriptions/{ok(first, 201)['id']}"))
    again = owner.post("subscriptions", order(alpha), Idempotency_Key="k-1")
    assert again.content == first.content
    assert not Subscription.objects.live().exists()


def test_a_key_used_again_with_another_body_is_refused(alpha, owner):
    ok(owner.post("subscriptions", order(alpha), Idempotency_Key="k-1"), 201)
    problem(
        owner.post("subscriptions", order(alpha, "byok"), Idempotency_Key="k-1"),
        422,
        "idempotency_key_reused",
    )


def test_a_refusal_frees_its_key(alpha, owner):
    live = ok(owner.post("subscriptions", order(alpha)), 201)
    retry = {"Idempotency_Key": "k-2"}
    problem(owner.post("subscriptions", order(alpha), **retry), 409, "subscription_exists")
    ok(owner.delete(f"subscriptions/{live['id']}"))
    fresh = owner.post("subscriptions", order(alpha), **retry)
    ok(fresh, 201)
    assert "Idempotent-Replayed" not in fresh.headers


def test_a_replay_checks_permission_again(alpha, owner):
    body = order(alpha)
    ok(owner.post("subscriptions", body, Idempotency_Key="k-1"), 201)
    alpha.members.filter(role=Role.OWNER).update(role=Role.MEMBER)
    problem(owner.post("subscriptions", body, Idempotency_Key="k-1"), 403, "permission_denied")


@pytest.mark.parametrize("key", ["", "with space", "ü", "x" * 256])
def test_a_malformed_key_is_refused(alpha, owner, key):
    problem(owner.post("subscriptions", order(alpha), Idempotency_Key=key), 400, "validation_error")


def test_the_same_key_of_two_organizations_is_two_keys(alpha, globex, owner, charlie, client_for):
    ok(owner.post("subscriptions", order(alpha), Idempotency_Key="k"), 201)
    other = client_for(charlie).post("subscriptions", order(globex, "byok"), Idempotency_Key="k")
    assert ok(other, 201)["org_id"] == str(globex.id)


# --- Reading ---------------------------------------------------------------------------------------


def test_every_member_reads_the_subscription(alpha, bob, owner, subscribed, client_for):
    subscription = subscribed(alpha, "hybrid")
    reader = make_key(alpha, Scope.BILLING_READ)[1]
    for caller in (owner, client_for(bob), client_for(reader)):
        document = ok(caller.get(f"subscriptions/{subscription.id}"))
        assert set(document) == SHAPE
        assert document["id"] == str(subscription.id)


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_a_foreign_subscription_is_403_and_an_unknown_one_404(
    alpha, charlie, globex, globex_key, owner, subscribed, client_for, method
):
    subscription = subscribed(alpha)
    for caller in (charlie, globex_key):
        foreign = getattr(client_for(caller), method)(f"subscriptions/{subscription.id}")
        problem(foreign, 403, "permission_denied")
    problem(getattr(owner, method)(f"subscriptions/{uuid.uuid4()}"), 404, "not_found")
    problem(getattr(owner, method)("subscriptions/test-org"), 404, "not_found")
    anonymous = getattr(client_for(), method)(f"subscriptions/{subscription.id}")
    problem(anonymous, 401, "not_authenticated")
    scopeless = client_for(make_key(alpha, Scope.CREDITS_READ)[1])
    unknown = getattr(scopeless, method)(f"subscriptions/{uuid.uuid4()}")
    problem(unknown, 403, "permission_denied")


def test_a_plain_member_changes_nothing(alpha, bob, subscribed, client_for):
    subscription = subscribed(alpha)
    client = client_for(bob)
    path = f"subscriptions/{subscription.id}"
    for response in (
        client.put(path, {"subscription_plan": "byok"}),
        client.patch(path, {"cancel_at_period_end": True}),
        client.delete(path),
    ):
        problem(response, 403, "permission_denied")


def test_the_subscriptions_of_an_organization_newest_first(alpha, bob, owner, client_for):
    ids = []
    for plan in ("platform", "byok", "hybrid"):
        document = ok(owner.post("subscriptions", order(alpha, plan)), 201)
        ids.insert(0, document["id"])
        ok(owner.delete(f"subscriptions/{document['id']}"))
    page = ok(client_for(bob).get(f"subscriptions/org/{alpha.id}"))
    assert [row["id"] for row in page["results"]] == ids
    assert (page["next"], page["previous"]) == (None, None)
    assert all(set(row) == SHAPE for row in page["results"])
    first = ok(owner.get(f"subscriptions/org/{alpha.id}?page_size=2"))
    assert [row["id"] for row in first["results"]] == ids[:2]
    path = first["next"].removeprefix("http://testserver")
    assert [row["id"] for row in ok(owner.get(path))["results"]] == ids[2:]


def test_listing_follows_the_order_of_answers(alpha, charlie, owner, system_admin, client_for):
    problem(client_for().get(f"subscriptions/org/{alpha.id}"), 401, "not_authenticated")
    stranger = client_for(charlie)
    problem(stranger.get(f"subscriptions/org/{alpha.id}"), 403, "permission_denied")
    problem(stranger.get(f"subscriptions/org/{uuid.uuid4()}"), 403, "permission_denied")
    problem(owner.get("subscriptions/org/nonsense"), 404, "not_found")
    admin = client_for(system_admin)
    problem(admin.get(f"subscriptions/org/{uuid.uuid4()}"), 404, "not_found")
    problem(owner.get(f"subscriptions/org/{alpha.id}?page_size=0"), 400, "validation_error")
    problem(owner.get(f"subscriptions/org/{alpha.id}?pagesize=1"), 400, "validation_error")
    problem(owner.post(f"subscriptions/org/{alpha.id}", {}), 405, "method_not_allowed")


def test_a_page_costs_the_same_queries_for_one_row_and_for_many(
    alpha, owner, subscribed, django_assert_num_queries
):
    subscription = subscribed(alpha)
    path = f"subscriptions/org/{alpha.id}"
    queries = count_queries(lambda: ok(owner.get(path)))
    for _ in range(5):
        Subscription.objects.cancel(Subscription.objects.live().get(), moment=now())
        subscribed(alpha)
    assert Subscription.objects.filter(org=alpha).exclude(id=subscription.id).count() == 5
    with django_assert_num_queries(queries):
        assert len(ok(owner.get(path))["results"]) == 6


def test_times_are_whole_seconds_in_utc(alpha, owner, subscribed):
    subscription = subscribed(alpha, at=datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC))
    document = ok(owner.get(f"subscriptions/{subscription.id}"))
    assert document["current_period_start"] == "2026-01-31T23:59:59Z"
    assert document["current_period_end"] == "2026-02-28T23:59:59Z"
    assert document["created_at"] == "2026-01-31T23:59:59Z"


def test_an_organization_without_a_pool_gets_no_half_subscription(alice, client_for, monkeypatch):
    organization = make_organization(owner=alice)

    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("billing.entitlement.apply", fail)
    client = client_for(alice)
    problem(client.post("subscriptions", order(organization)), 500, "internal_error")
    assert not Subscription.objects.filter(org=organization).exists()
    assert not BillingEvent.objects.filter(org=organization).exists()
