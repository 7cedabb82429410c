"""The billing history and the plan catalogue over HTTP."""

import uuid
from datetime import UTC, datetime

import pytest

from billing.models import Payment, Plan
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from organizations.choices import Scope
from orgbilling.lib.clock import now, simulated
from tests.api_client import ok, problem
from tests.billing.conftest import ORIGIN, count_queries
from tests.factories import make_key

JANUARY = datetime(2026, 1, 10, 12, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 10, 12, tzinfo=UTC)
MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def owner(alpha, alice, client_for):
    """Alice's client."""
    return client_for(alice)


@pytest.fixture
def path(alpha, globex, subscribed) -> str:
    """The address of Alpha's history of three months; Globex has one too."""
    subscribed(alpha, at=JANUARY)
    subscribed(globex, at=JANUARY)
    with simulated(FEBRUARY):
        add_at_named_price(org_id=alpha.id, parcel=Parcel(10), origin=ORIGIN)
    with simulated(MARCH):
        buy_on_account(organization=alpha, parcel=Parcel(100), origin=ORIGIN)
    return f"billing/org/{alpha.id}/history"


def types(page) -> list[str]:
    return [row["event_type"] for row in page["results"]]


def test_newest_first_with_the_state_of_every_payment(alpha, path, owner):
    page = ok(owner.get(path))
    assert types(page) == ["credit_purchase", "credit_grant", "subscription_created"]
    assert [row["amount"] for row in page["results"]] == ["1.00", "0.00", "50.00"]
    assert [row["payment_status"] for row in page["results"]] == ["pending", None, "pending"]
    assert {row["org_id"] for row in page["results"]} == {str(alpha.id)}
    created = page["results"][-1]
    assert created["period_start"] == "2026-01-10T12:00:00Z"
    assert created["period_end"] == "2026-02-10T12:00:00Z"
    assert created["subscription_id"] is not None
    Payment.objects.filter(org=alpha).update(status="paid", paid_at=now())
    page = ok(owner.get(path))
    assert [row["payment_status"] for row in page["results"]] == ["paid", None, "paid"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("event_type=credit_grant", ["credit_grant"]),
        ("event_type=subscription_canceled", []),
        ("start=2026-02-10T12:00:00Z", ["credit_purchase", "credit_grant"]),
        ("end=2026-02-10T12:00:00Z", ["subscription_created"]),
        ("start=2026-02-01T00:00:00%2B02:00&end=2026-03-01T00:00:00Z", ["credit_grant"]),
        ("start=0001-01-01T00:00:00%2B14:00", None),
        ("end=9999-12-31T23:59:59-14:00", None),
    ],
)
def test_filters(path, owner, query, expected):
    every = ["credit_purchase", "credit_grant", "subscription_created"]
    assert types(ok(owner.get(f"{path}?{query}"))) == (every if expected is None else expected)


@pytest.mark.parametrize(
    "query",
    [
        "event_type=nothing",
        "event_type=%00",
        "start=yesterday",
        "start=2026-02-10",
        "end=2026-13-01T00:00:00Z",
        "start=%00",
        "since=2026-02-10T00:00:00Z",
        "page_size=501",
        "page_size=-1",
        "page_size=" + "9" * 30,
        "cursor=nonsense",
        "event_type=credit_grant&event_type=credit_purchase",
    ],
)
def test_wrong_queries(path, owner, query):
    problem(owner.get(f"{path}?{query}"), 400, "validation_error")


def test_pages_are_stable_while_events_are_added(alpha, path, owner):
    first = ok(owner.get(f"{path}?page_size=2"))
    assert types(first) == ["credit_purchase", "credit_grant"]
    add_at_named_price(org_id=alpha.id, parcel=Parcel(10), origin=ORIGIN)
    second = ok(owner.get(first["next"].removeprefix("http://testserver")))
    assert types(second) == ["subscription_created"]
    assert second["next"] is None
    back = ok(owner.get(second["previous"].removeprefix("http://testserver")))
    assert types(back) == types(first)


def test_a_page_costs_the_same_queries_for_three_rows_and_for_twenty(alpha, path, owner):
    few = count_queries(lambda: ok(owner.get(path)))
    for _ in range(17):
        buy_on_account(organization=alpha, parcel=Parcel(100), origin=ORIGIN)
    assert len(ok(owner.get(path))["results"]) == 20
    assert count_queries(lambda: ok(owner.get(path))) == few


def test_who_may_read_the_history(alpha, path, bob, charlie, globex_key, alpha_key, client_for):
    problem(client_for().get(path), 401, "not_authenticated")
    for caller in (bob, charlie, globex_key):
        problem(client_for(caller).get(path), 403, "permission_denied")
    scopeless = make_key(alpha, Scope.CREDITS_MANAGE)[1]
    problem(client_for(scopeless).get(path), 403, "permission_denied")
    assert len(ok(client_for(alpha_key).get(path))["results"]) == 3


def test_the_history_of_nobody(owner, system_admin, client_for):
    unknown = f"billing/org/{uuid.uuid4()}/history"
    problem(owner.get(unknown), 403, "permission_denied")
    problem(client_for(system_admin).get(unknown), 404, "not_found")
    problem(owner.get("billing/org/nonsense/history"), 404, "not_found")


def test_the_plan_catalogue(bob, alpha_key, client_for):
    for caller in (bob, alpha_key):
        page = ok(client_for(caller).get("plans"))
        assert {plan["code"]: plan["monthly_price"] for plan in page["results"]} == {
            "platform": "50.00",
            "byok": "30.00",
            "hybrid": "99.00",
        }
        assert {plan["code"]: plan["yearly_price"] for plan in page["results"]} == {
            "platform": "500.00",
            "byok": "300.00",
            "hybrid": "990.00",
        }
        assert {plan["credit_price"] for plan in page["results"]} == {"0.01"}
        assert {plan["currency"] for plan in page["results"]} == {"USD"}
        assert (page["next"], page["previous"]) == (None, None)


def test_the_plan_catalogue_pages_and_hides_what_is_not_offered(bob, client_for):
    client = client_for(bob)
    first = ok(client.get("plans?page_size=2"))
    assert [plan["code"] for plan in first["results"]] == ["byok", "hybrid"]
    second = ok(client.get(first["next"].removeprefix("http://testserver")))
    assert [plan["code"] for plan in second["results"]] == ["platform"]
    Plan.objects.filter(code="hybrid").update(is_active=False)
    assert [plan["code"] for plan in ok(client.get("plans"))["results"]] == ["byok", "platform"]


def test_the_plan_catalogue_is_for_those_who_are_signed_in(client_for):
    problem(client_for().get("plans"), 401, "not_authenticated")
