"""Endpoint 6: credits are added to a pool."""

import json
import uuid
from decimal import Decimal

import pytest
from django.db import connection, transaction

from billing.models import BillingEvent, Payment
from credits.models import CreditPool, JournalEntry
from organizations.choices import Role, Scope
from organizations.models import Organization
from tests.api_client import ok, problem
from tests.factories import make_key, make_member

EVENT_SHAPE = {
    "id",
    "org_id",
    "subscription_id",
    "event_type",
    "amount",
    "currency",
    "credits",
    "payment_status",
    "period_start",
    "period_end",
    "actor",
    "notes",
    "metadata",
    "created_at",
}
POOL_SHAPE = {
    "id",
    "org_id",
    "org_name",
    "total_credits",
    "allocated_credits",
    "used_credits",
    "held_credits",
    "available_credits",
    "monthly_refresh_amount",
    "last_refresh_date",
    "next_refresh_date",
    "allow_overage",
    "overage_limit",
    "overage_rate",
    "overage_used",
    "overage_used_period",
    "lifetime_purchased_credits",
    "lifetime_spent_amount",
    "updated_at",
}


@pytest.fixture
def owner(alpha, alice, client_for):
    """Alice's client."""
    return client_for(alice)


@pytest.fixture
def add(alpha) -> str:
    """The address for Alpha."""
    return f"credits/{alpha.id}/add"


def total(organization) -> int:
    return CreditPool.objects.get(org=organization).total_credits


def test_the_scenario_of_the_seed(alpha, add, owner, alice):
    document = ok(owner.post(add, {"credits": 10000, "reference": "PO-4711", "notes": "hi"}), 201)
    assert set(document) == {"pool", "event"}
    pool, event = document["pool"], document["event"]
    assert set(pool) == POOL_SHAPE
    assert set(event) == EVENT_SHAPE
    assert (pool["total_credits"], pool["available_credits"]) == (10000, 10000)
    assert pool["lifetime_purchased_credits"] == 10000
    assert pool["lifetime_spent_amount"] == "100.00"
    assert {key: event[key] for key in EVENT_SHAPE - {"id", "created_at"}} == {
        "org_id": str(alpha.id),
        "subscription_id": None,
        "event_type": "credit_purchase",
        "amount": "100.00",
        "currency": "USD",
        "credits": 10000,
        "payment_status": "pending",
        "period_start": None,
        "period_end": None,
        "actor": f"user:{alice.id}",
        "notes": "hi",
        "metadata": {"reference": "PO-4711"},
    }


@pytest.mark.parametrize("caller", ["system_admin", "system_key"])
def test_who_may_name_a_price_grants_by_default(alpha, add, client_for, request, caller):
    client = client_for(request.getfixturevalue(caller))
    for body in ({"credits": 7}, {"credits": 7, "purchase_amount": "0.00", "currency": "USD"}):
        event = ok(client.post(add, body), 201)["event"]
        assert (event["event_type"], event["amount"]) == ("credit_grant", "0.00")
        assert event["payment_status"] is None
    document = ok(client.post(add, {"credits": 7, "purchase_amount": "3.5"}), 201)
    assert document["event"]["event_type"] == "credit_purchase"
    assert document["event"]["amount"] == "3.50"
    assert document["event"]["payment_status"] == "paid"
    assert document["pool"]["total_credits"] == 21
    assert document["pool"]["lifetime_spent_amount"] == "3.50"


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.BILLING_ADMIN])
def test_org_billing_roles_buy_on_account(alpha, add, client_for, role):
    client = client_for(make_member(alpha, role).user)
    event = ok(client.post(add, {"credits": 250}), 201)["event"]
    assert (event["event_type"], event["amount"]) == ("credit_purchase", "2.50")
    assert event["payment_status"] == "pending"


def test_a_key_bound_to_the_organization_buys_on_account_too(alpha, add, alpha_key, client_for):
    client = client_for(alpha_key)
    assert ok(client.post(add, {"credits": 100}), 201)["event"]["amount"] == "1.00"
    problem(client.post(add, {"credits": 100, "purchase_amount": "0.00"}), 403, "permission_denied")


def test_a_price_set_by_the_client_is_refused(alpha, add, owner):
    for amount in ("0.00", "0.01", "0.99", "1.01", "100"):
        body = {"credits": 100, "purchase_amount": amount}
        problem(owner.post(add, body), 403, "permission_denied")
    assert total(alpha) == 0
    assert not BillingEvent.objects.exists()
    ok(owner.post(add, {"credits": 100, "purchase_amount": "1.00"}), 201)


@pytest.mark.parametrize(
    "credits", [-5000, -1, 0, 10**15 + 1, 10**400, True, "100", 1.0, 1.5, None, [], {}]
)
def test_only_credits_that_are_credits(alpha, add, owner, system_admin, client_for, credits):
    for client in (owner, client_for(system_admin)):
        document = problem(client.post(add, {"credits": credits}), 400, "validation_error")
        assert [error["field"] for error in document["errors"]] == ["credits"]
    assert total(alpha) == 0


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"purchase_amount": "-1.00"}, "validation_error", "purchase_amount"),
        ({"purchase_amount": 1}, "validation_error", "purchase_amount"),
        ({"purchase_amount": "1.001"}, "validation_error", "purchase_amount"),
        ({"purchase_amount": "NaN"}, "validation_error", "purchase_amount"),
        ({"purchase_amount": "1e3"}, "validation_error", "purchase_amount"),
        ({"purchase_amount": "9" * 30}, "validation_error", "purchase_amount"),
        ({"currency": "EUR"}, "validation_error", "currency"),
        ({"currency": "usd"}, "validation_error", "currency"),
        ({"reference": 7}, "validation_error", "reference"),
        ({"reference": "x" * 201}, "validation_error", "reference"),
        ({"notes": "x" * 1001}, "validation_error", "notes"),
        ({"purchase_ammount": "1.00"}, "unknown_field", None),
        ({"payment_status": "paid"}, "unknown_field", None),
        ({"org_id": str(uuid.uuid4())}, "unknown_field", None),
    ],
)
def test_wrong_fields_are_named(alpha, add, system_admin, client_for, more, code, field):
    document = problem(client_for(system_admin).post(add, {"credits": 1, **more}), 400, code)
    if field:
        assert [error["field"] for error in document["errors"]] == [field]
    assert total(alpha) == 0


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"[", b"null", b'{"credits":NaN}'])
def test_a_body_that_is_none(alpha, add, owner, raw):
    response = owner.request("POST", add, raw=raw)
    assert response.status_code == 400, response.content
    assert total(alpha) == 0


def test_who_may_add(alpha, add, bob, charlie, globex_key, client_for):
    problem(client_for().post(add, {"credits": 1}), 401, "not_authenticated")
    for caller in (bob, charlie, globex_key):
        problem(client_for(caller).post(add, {"credits": 1}), 403, "permission_denied")
    key = make_key(alpha, Scope.CREDITS_READ, Scope.BILLING_MANAGE)[1]
    problem(client_for(key).post(add, {"credits": 1}), 403, "permission_denied")
    everywhere = make_key(None, Scope.BILLING_MANAGE)[1]
    problem(client_for(everywhere).post(add, {"credits": 1}), 403, "permission_denied")
    assert total(alpha) == 0


def test_organizations_that_are_not_there(alpha, owner, system_key, client_for):
    unknown = f"credits/{uuid.uuid4()}/add"
    problem(owner.post(unknown, {"credits": 1}), 403, "permission_denied")
    problem(client_for(system_key).post(unknown, {"credits": "x"}), 404, "not_found")
    problem(owner.post("credits/test-org/add", {"credits": 1}), 404, "not_found")
    problem(owner.get(f"credits/{alpha.id}/add"), 405, "method_not_allowed")


def test_the_account_limit(alpha, add, owner, system_admin, client_for):
    ok(owner.post(add, {"credits": 100_000}), 201)
    document = problem(owner.post(add, {"credits": 1}), 409, "account_limit_exceeded")
    assert document["unpaid_amount"] == "1000.00"
    assert document["purchase_amount"] == "0.01"
    assert document["account_limit"] == "1000.00"
    assert document["currency"] == "USD"
    assert total(alpha) == 100_000
    ok(client_for(system_admin).post(add, {"credits": 1}), 201)
    Payment.objects.filter(org=alpha).update(status="void")
    ok(owner.post(add, {"credits": 1}), 201)


def test_a_suspended_organization(alpha, add, owner, system_admin, client_for):
    Organization.objects.suspend(alpha.id, by=None)
    problem(owner.post(add, {"credits": 1}), 422, "organization_suspended")
    ok(client_for(system_admin).post(add, {"credits": 1}), 201)


def test_the_largest_amounts(alpha, add, system_admin, client_for):
    body = {"credits": 10**15, "purchase_amount": "999999999999.99"}
    document = ok(client_for(system_admin).post(add, body), 201)
    assert document["event"]["amount"] == "999999999999.99"
    assert document["pool"]["total_credits"] == 10**15


def test_a_balance_never_passes_what_can_be_stored(alpha, add, system_admin, client_for):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('orgbilling.door', 'open', true)")
        CreditPool.objects.filter(org=alpha).update(total_credits=9 * 10**18 - 1)
        cursor.execute("SELECT set_config('orgbilling.door', '', true)")
    client = client_for(system_admin)
    assert client.post(add, {"credits": 2}).status_code == 409
    assert ok(client.post(add, {"credits": 1}), 201)["pool"]["total_credits"] == 9 * 10**18
    assert BillingEvent.objects.filter(org=alpha).count() == 1


# --- Idempotency -----------------------------------------------------------------------------------


def test_a_retry_never_doubles_credits(alpha, add, owner):
    body = {"credits": 100, "notes": "once"}
    first = owner.post(add, body, Idempotency_Key="k-1")
    ok(first, 201)
    owner.post(add, {"credits": 50})
    raw = json.dumps({"notes": "once", "credits": 100}, indent=1).encode()
    again = owner.request("POST", add, raw=raw, Idempotency_Key="k-1")
    assert again.status_code == 201
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert again["X-Request-ID"] != first["X-Request-ID"]
    assert total(alpha) == 150
    assert BillingEvent.objects.filter(org=alpha).count() == 2
    assert JournalEntry.objects.filter(org=alpha).count() == 2
    problem(owner.post(add, {"credits": 101}, Idempotency_Key="k-1"), 422, "idempotency_key_reused")
    assert total(alpha) == 150


def test_without_a_key_every_request_is_a_new_one(alpha, add, owner):
    for _ in range(2):
        response = owner.post(add, {"credits": 100})
        assert "Idempotent-Replayed" not in response.headers
    assert total(alpha) == 200


def test_the_history_remembers_the_request(alpha, add, owner):
    response = owner.post(add, {"credits": 100}, Idempotency_Key="k-1", X_Request_ID="my-request.1")
    ok(response, 201)
    event = BillingEvent.objects.get(org=alpha)
    assert event.request_id == "my-request.1"
    assert (event.operation, event.idempotency_key) == ("credits/add", "k-1")
    assert len(event.body_hash) == 32
    assert JournalEntry.objects.get(org=alpha).request_id == "my-request.1"


def test_a_refusal_frees_its_key(alpha, add, owner):
    CreditPool.objects.filter(org=alpha).update(account_limit=Decimal("0.50"))
    key = {"Idempotency_Key": "k-1"}
    problem(owner.post(add, {"credits": 100}, **key), 409, "account_limit_exceeded")
    CreditPool.objects.filter(org=alpha).update(account_limit=Decimal("1.00"))
    ok(owner.post(add, {"credits": 100}, **key), 201)
    assert total(alpha) == 100


def test_a_failure_after_the_credits_leaves_none_of_them(alpha, add, owner, monkeypatch):
    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("billing.managers.history.HistoryManager.record", fail)
    problem(owner.post(add, {"credits": 100}, Idempotency_Key="k-1"), 500, "internal_error")
    assert total(alpha) == 0
    assert not JournalEntry.objects.exists()
    monkeypatch.undo()
    ok(owner.post(add, {"credits": 100}, Idempotency_Key="k-1"), 201)
    assert total(alpha) == 100
