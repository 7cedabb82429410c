"""Endpoints 4 and 5: a subscription is changed and canceled over HTTP."""

import uuid
from datetime import datetime, timedelta

import pytest

from billing.models import BillingEvent, Subscription
from orgbilling.lib.clock import now
from tests.api_client import ok, problem


def moment(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


@pytest.fixture
def owner(alpha, alice, client_for):
    """Alice's client."""
    return client_for(alice)


# --- Changing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_upgrade_acts_at_once(alpha, owner, subscribed, method):
    subscription = subscribed(alpha)
    path = f"subscriptions/{subscription.id}"
    document = ok(getattr(owner, method)(path, {"subscription_plan": "hybrid"}))
    assert (document["subscription_plan"], document["monthly_price"]) == ("hybrid", "99.00")
    event = BillingEvent.objects.with_payment_status().get(event_type="subscription_upgraded")
    assert (str(event.amount), event.payment_status) == ("49.00", "pending")


def test_a_downgrade_is_scheduled_and_cleared(alpha, owner, subscribed):
    path = f"subscriptions/{subscribed(alpha, 'hybrid').id}"
    document = ok(owner.put(path, {"subscription_plan": "byok"}))
    assert (document["subscription_plan"], document["scheduled_plan"]) == ("hybrid", "byok")
    assert document["monthly_price"] == "99.00"
    assert ok(owner.put(path, {"subscription_plan": "hybrid"}))["scheduled_plan"] is None


def test_everything_at_once(alpha, owner, subscribed):
    path = f"subscriptions/{subscribed(alpha).id}"
    body = {
        "subscription_plan": "hybrid",
        "billing_cycle": "yearly",
        "cancel_at_period_end": True,
    }
    document = ok(owner.put(path, body))
    assert {name: document[name] for name in body} == body
    start, end = (moment(document[f"current_period_{edge}"]) for edge in ("start", "end"))
    assert end - start in {timedelta(days=365), timedelta(days=366)}
    document = ok(owner.patch(path, {"cancel_at_period_end": False}))
    assert document["cancel_at_period_end"] is False
    assert ok(owner.patch(path, {})) == document


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"subscription_plan": "enterprise"}, "validation_error"),
        ({"billing_cycle": None}, "validation_error"),
        ({"cancel_at_period_end": "true"}, "validation_error"),
        ({"cancel_at_period_end": 1}, "validation_error"),
        ({"monthly_price": "1.00"}, "unknown_field"),
        ({"status": "active"}, "unknown_field"),
        ({"org_id": str(uuid.uuid4())}, "unknown_field"),
        ({"current_period_end": "2099-01-01T00:00:00Z"}, "unknown_field"),
    ],
)
def test_what_cannot_be_changed(alpha, owner, subscribed, body, code):
    subscription = subscribed(alpha)
    problem(owner.put(f"subscriptions/{subscription.id}", body), 400, code)
    after = Subscription.objects.get(id=subscription.id)
    assert after.updated_at == subscription.updated_at


def test_a_canceled_one_cannot_be_changed(alpha, owner, subscribed):
    path = f"subscriptions/{subscribed(alpha).id}"
    ok(owner.delete(path))
    for response in (
        owner.put(path, {"subscription_plan": "hybrid"}),
        owner.patch(path, {"cancel_at_period_end": False}),
        owner.patch(path, {}),
        owner.delete(path),
        owner.delete(f"{path}?at_period_end=true"),
    ):
        problem(response, 409, "subscription_canceled")


# --- Canceling -------------------------------------------------------------------------------------


def test_canceling_at_once(alpha, owner, subscribed):
    document = ok(owner.delete(f"subscriptions/{subscribed(alpha).id}"))
    assert document["status"] == "canceled"
    assert now() - moment(document["canceled_at"]) < timedelta(minutes=1)


def test_canceling_with_the_period(alpha, owner, subscribed):
    path = f"subscriptions/{subscribed(alpha).id}"
    for _ in range(2):
        document = ok(owner.delete(f"{path}?at_period_end=true"))
        assert document["status"] == "active"
        assert document["cancel_at_period_end"] is True
        assert document["canceled_at"] is None
    assert BillingEvent.objects.filter(event_type="cancellation_scheduled").count() == 1
    assert ok(owner.delete(f"{path}?at_period_end=false"))["status"] == "canceled"


@pytest.mark.parametrize(
    "query", ["at_period_end=yes", "at_period_end=", "at_end=true", "at_period_end=true&x=1"]
)
def test_a_misspelt_query_cancels_nothing(alpha, owner, subscribed, query):
    subscription = subscribed(alpha)
    problem(owner.delete(f"subscriptions/{subscription.id}?{query}"), 400, "validation_error")
    subscription.refresh_from_db()
    assert (subscription.status, subscription.cancel_at_period_end) == ("active", False)
