"""Endpoints 12 to 14: who sees which dashboard, what it says, and what it costs."""

import uuid
from decimal import Decimal

import pytest

from billing.models import Subscription
from billing.purchase import Parcel, add_at_named_price
from credits.deducting import Receipt, deduct
from credits.functions import Charge
from credits.models import Allocation
from organizations.choices import Role, Scope
from orgbilling.lib.clock import database_now, now
from tests.api_client import ok, problem
from tests.billing.conftest import ORIGIN, count_queries
from tests.factories import make_key, make_member, make_organization, make_user


def spend(organization, user, credits, service="company_enrichment") -> None:
    charge = Charge(
        org_id=organization.id,
        user_id=user.id,
        service_name=service,
        credits=credits,
        quantity=None,
        service_type=None,
        metadata={},
        origin=ORIGIN,
    )
    assert isinstance(deduct(charge), Receipt)


def allocate(organization, user, credits) -> None:
    Allocation.objects.allocate(
        org_id=organization.id, user_id=user.id, credits=credits, origin=ORIGIN
    )


@pytest.fixture
def busy(alpha, alice, bob, subscribed):
    """Alpha, subscribed: 10,000 credits, Alice has 1,000 and used 60, Bob has 500 and used 7."""
    subscribed(alpha, "platform")
    add_at_named_price(org_id=alpha.id, parcel=Parcel(10_000), origin=ORIGIN)
    allocate(alpha, alice, 1_000)
    allocate(alpha, bob, 500)
    spend(alpha, alice, 50)
    spend(alpha, alice, 10, "contact_lookup")
    spend(alpha, bob, 7)
    return alpha


# --- A person's ------------------------------------------------------------------------------------


def test_a_persons_dashboard(busy, globex, bob, client_for):
    make_member(globex, Role.BILLING_ADMIN, user=bob)
    document = ok(client_for(bob).get("billing/user"))
    assert set(document) == {"user_id", "email", "organizations", "usage_30_days"}
    assert (document["user_id"], document["email"]) == (str(bob.id), "bob@example.com")
    in_globex, in_alpha = document["organizations"]
    assert in_globex == {
        "org_id": str(globex.id),
        "org_name": "Globex",
        "role": "billing_admin",
        "subscription_plan": None,
        "allocation": None,
    }
    assert in_alpha["org_id"] == str(busy.id)
    assert (in_alpha["role"], in_alpha["subscription_plan"]) == ("member", "platform")
    assert in_alpha["allocation"]["remaining_credits"] == 493
    assert in_alpha["allocation"]["used_credits"] == 7
    assert document["usage_30_days"] == {
        "credits_used": 7,
        "request_count": 1,
        "by_service": [
            {"service_name": "company_enrichment", "credits_used": 7, "request_count": 1}
        ],
        "by_day": [
            {"date": database_now().date().isoformat(), "credits_used": 7, "request_count": 1}
        ],
    }


def test_a_person_without_an_organization(client_for):
    user = make_user()
    assert ok(client_for(user).get("billing/user")) == {
        "user_id": str(user.id),
        "email": user.email,
        "organizations": [],
        "usage_30_days": {"credits_used": 0, "request_count": 0, "by_service": [], "by_day": []},
    }


def test_keys_have_no_dashboard_of_their_own(alpha_key, system_key, client_for):
    problem(client_for().get("billing/user"), 401, "not_authenticated")
    for key in (alpha_key, system_key):
        problem(client_for(key).get("billing/user"), 403, "permission_denied")


def test_a_persons_dashboard_costs_the_same_for_one_organization_and_for_ten(
    busy, alice, subscribed, client_for
):
    client = client_for(alice)
    few = count_queries(lambda: ok(client.get("billing/user")))
    for _ in range(9):
        organization = make_organization(owner=alice)
        subscribed(organization)
        add_at_named_price(org_id=organization.id, parcel=Parcel(100), origin=ORIGIN)
        allocate(organization, alice, 10)
        spend(organization, alice, 1)
    document = ok(client.get("billing/user"))
    assert len(document["organizations"]) == 10
    assert document["usage_30_days"]["credits_used"] == 69
    assert count_queries(lambda: ok(client.get("billing/user"))) == few
    assert few <= 8


# --- An organization's -----------------------------------------------------------------------------


def test_an_organizations_dashboard(busy, alice, bob, client_for):
    document = ok(client_for(alice).get(f"billing/org/{busy.id}"))
    assert set(document) == {
        "organization",
        "subscription",
        "credit_pool",
        "allocations",
        "usage_30_days",
        "recent_events",
    }
    assert document["organization"]["display_name"] == "Test Org Alpha"
    assert document["organization"]["role"] == "owner"
    assert document["organization"]["member_count"] == 2
    assert document["subscription"]["subscription_plan"] == "platform"
    pool = document["credit_pool"]
    assert (pool["total_credits"], pool["available_credits"]) == (10_000, 8_500)
    assert (pool["allocated_credits"], pool["used_credits"]) == (1_500, 67)
    assert [(row["user_id"], row["remaining_credits"]) for row in document["allocations"]] == [
        (str(alice.id), 940),
        (str(bob.id), 493),
    ]
    usage = document["usage_30_days"]
    assert (usage["credits_used"], usage["request_count"]) == (67, 3)
    assert usage["by_service"] == [
        {"service_name": "company_enrichment", "credits_used": 57, "request_count": 2},
        {"service_name": "contact_lookup", "credits_used": 10, "request_count": 1},
    ]
    assert usage["by_day"] == [
        {"date": database_now().date().isoformat(), "credits_used": 67, "request_count": 3}
    ]
    assert usage["by_user"] == [
        {
            "user_id": str(alice.id),
            "user_email": "alice@example.com",
            "user_name": "Alice",
            "credits_used": 60,
            "request_count": 2,
        },
        {
            "user_id": str(bob.id),
            "user_email": "bob@example.com",
            "user_name": "Bob",
            "credits_used": 7,
            "request_count": 1,
        },
    ]
    assert [row["event_type"] for row in document["recent_events"]] == [
        "credit_grant",
        "subscription_created",
    ]
    assert document["recent_events"][1]["payment_status"] == "pending"


def test_an_organization_that_has_done_nothing_yet(alpha, alice, client_for):
    document = ok(client_for(alice).get(f"billing/org/{alpha.id}"))
    assert document["subscription"] is None
    assert document["credit_pool"]["total_credits"] == 0
    assert (document["allocations"], document["recent_events"]) == ([], [])
    assert document["usage_30_days"] == {
        "credits_used": 0,
        "request_count": 0,
        "by_service": [],
        "by_day": [],
        "by_user": [],
    }


def test_a_canceled_subscription_is_not_shown(busy, alice, client_for):
    Subscription.objects.cancel(Subscription.objects.get(org=busy), moment=now())
    assert ok(client_for(alice).get(f"billing/org/{busy.id}"))["subscription"] is None


def test_the_ten_newest_events_are_shown(busy, alice, client_for):
    for number in range(12):
        add_at_named_price(org_id=busy.id, parcel=Parcel(number + 1), origin=ORIGIN)
    events = ok(client_for(alice).get(f"billing/org/{busy.id}"))["recent_events"]
    assert [row["credits"] for row in events] == list(range(12, 2, -1))


def test_who_may_see_an_organizations_dashboard(
    busy, bob, charlie, globex_key, alpha_key, system_key, system_admin, client_for
):
    path = f"billing/org/{busy.id}"
    problem(client_for().get(path), 401, "not_authenticated")
    scopeless = make_key(busy, Scope.CREDITS_MANAGE, Scope.BILLING_MANAGE)[1]
    for caller in (bob, charlie, globex_key, scopeless):
        problem(client_for(caller).get(path), 403, "permission_denied")
    for caller in (alpha_key, system_key, system_admin):
        document = ok(client_for(caller).get(path))
        assert document["organization"]["role"] is None
    for role in (Role.ADMIN, Role.BILLING_ADMIN):
        person = make_member(busy, role).user
        assert ok(client_for(person).get(path))["organization"]["role"] == role
    problem(client_for(charlie).get(f"billing/org/{uuid.uuid4()}"), 403, "permission_denied")
    problem(client_for(system_admin).get(f"billing/org/{uuid.uuid4()}"), 404, "not_found")
    problem(client_for(charlie).get("billing/org/nonsense"), 404, "not_found")
    problem(client_for(system_admin).get(f"{path}?x=1"), 400, "validation_error")


def test_an_organizations_dashboard_costs_the_same_for_five_members_and_for_fifty(
    busy, alice, client_for
):
    client = client_for(alice)

    def fill(to: int) -> int:
        while busy.members.count() < to:
            person = make_member(busy).user
            allocate(busy, person, 10)
            spend(busy, person, 1)
        document = ok(client.get(f"billing/org/{busy.id}"))
        assert len(document["allocations"]) == to
        assert len(document["usage_30_days"]["by_user"]) == to
        return count_queries(lambda: client.get(f"billing/org/{busy.id}"))

    few = fill(5)
    assert fill(50) == few
    assert few <= 13


# --- The system's ----------------------------------------------------------------------------------


def test_the_systems_dashboard(busy, globex, charlie, system_admin, subscribed, client_for):
    subscribed(globex, "hybrid", billing_cycle="yearly")
    trial, past_due, paused, gone = (make_organization() for _ in range(4))
    subscribed(trial, "hybrid", trial_days=14)
    late = subscribed(past_due, "byok", monthly_price=Decimal("12.34"))
    Subscription.objects.filter(id=late.id).update(status="past_due")
    stopped = subscribed(paused, "byok")
    Subscription.objects.filter(id=stopped.id).update(status="paused")
    Subscription.objects.cancel(subscribed(gone), moment=now())
    add_at_named_price(org_id=globex.id, parcel=Parcel(100), origin=ORIGIN)
    allocate(globex, charlie, 100)
    spend(globex, charlie, 99)
    document = ok(client_for(system_admin).get("billing/system"))
    assert set(document) == {
        "organizations",
        "revenue",
        "plans",
        "top_organizations",
        "credits",
        "usage_by_day",
    }
    # 50.00 + 99.00 * 10 / 12 + 12.34
    assert document["revenue"] == {
        "mrr": "144.84",
        "arr": "1738.08",
        "active_subscriptions": 3,
        "currency": "USD",
    }
    assert document["plans"] == [
        {"plan": "byok", "count": 1, "mrr": "12.34"},
        {"plan": "hybrid", "count": 1, "mrr": "82.50"},
        {"plan": "platform", "count": 1, "mrr": "50.00"},
    ]
    assert document["top_organizations"] == [
        {
            "org_id": str(globex.id),
            "org_name": "Globex",
            "credits_used": 99,
            "request_count": 1,
        },
        {
            "org_id": str(busy.id),
            "org_name": "Test Org Alpha",
            "credits_used": 67,
            "request_count": 3,
        },
    ]
    assert document["credits"] == {
        "total": 10_100,
        "allocated": 1_600,
        "used": 166,
        "available": 8_500,
    }
    assert document["usage_by_day"] == [
        {"date": database_now().date().isoformat(), "credits_used": 166, "request_count": 4}
    ]
    page = document["organizations"]
    assert len(page["results"]) == 6
    assert page["results"][-1]["id"] in {str(busy.id), str(globex.id)}
    assert {row["member_count"] for row in page["results"]} == {2, 1, 0}
    assert {row["role"] for row in page["results"]} == {None}


def test_revenue_is_rounded_once(system_admin, subscribed, client_for):
    for _ in range(3):
        subscribed(make_organization(), "platform", billing_cycle="yearly")
    document = ok(client_for(system_admin).get("billing/system"))
    assert document["revenue"]["mrr"] == "125.00"
    assert document["revenue"]["arr"] == "1500.00"
    assert {"plan": "platform", "count": 3, "mrr": "125.00"} in document["plans"]


def test_a_system_without_anything(system_admin, client_for):
    document = ok(client_for(system_admin).get("billing/system"))
    assert document["revenue"] == {
        "mrr": "0.00",
        "arr": "0.00",
        "active_subscriptions": 0,
        "currency": "USD",
    }
    assert {row["mrr"] for row in document["plans"]} == {"0.00"}
    assert document["credits"] == {"total": 0, "allocated": 0, "used": 0, "available": 0}
    assert document["organizations"] == {"results": [], "next": None, "previous": None}


def test_the_organizations_of_the_system_are_paged(system_admin, client_for):
    ids = [str(make_organization().id) for _ in range(5)][::-1]
    client = client_for(system_admin)
    seen, path = [], "billing/system?page_size=2"
    while path:
        page = ok(client.get(path))["organizations"]
        seen += [row["id"] for row in page["results"]]
        path = (page["next"] or "").removeprefix("http://testserver")
    assert seen == ids


def test_who_may_see_the_systems_dashboard(
    alpha, alice, alpha_key, system_key, system_admin, client_for
):
    problem(client_for().get("billing/system"), 401, "not_authenticated")
    scopeless = make_key(None, Scope.BILLING_MANAGE)[1]
    for caller in (alice, alpha_key, scopeless):
        problem(client_for(caller).get("billing/system"), 403, "permission_denied")
    for caller in (system_admin, system_key):
        ok(client_for(caller).get("billing/system"))
    problem(client_for(system_admin).get("billing/system?pages=1"), 400, "validation_error")


def test_the_systems_dashboard_costs_the_same_for_five_organizations_and_for_fifty(
    busy, system_admin, subscribed, client_for
):
    client = client_for(system_admin)

    def fill(to: int) -> int:
        for _ in range(to - len(ok(client.get("billing/system"))["organizations"]["results"])):
            organization = make_organization()
            subscribed(organization)
            make_member(organization)
        return count_queries(lambda: ok(client.get("billing/system")))

    few = fill(5)
    assert fill(50) == few
    assert few <= 12
