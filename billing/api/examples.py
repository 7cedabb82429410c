"""The documents that the OpenAPI description shows for billing."""

from typing import Any, Final

from credits.api.examples import MOMENT, ORG_ID, POOL, USER_ID

ACTOR: Final = f"user:{USER_ID}"
SUBSCRIPTION_ID: Final = "0193b1a0-0000-7000-8000-000000000011"
PERIOD_END: Final = "2026-12-22T16:00:00Z"

PLAN: Final[dict[str, Any]] = {
    "code": "platform",
    "name": "Platform",
    "description": "All services on our keys, at the catalogue's prices.",
    "monthly_price": "50.00",
    "yearly_price": "500.00",
    "credit_price": "0.01",
    "currency": "USD",
    "overage_ceiling": 10000,
}

SUBSCRIBE: Final[dict[str, Any]] = {
    "org_id": ORG_ID,
    "subscription_plan": "platform",
    "billing_cycle": "monthly",
    "trial_days": 0,
}

SUBSCRIPTION: Final[dict[str, Any]] = {
    "id": SUBSCRIPTION_ID,
    "org_id": ORG_ID,
    "org_name": "Test Org Alpha",
    "subscription_plan": "platform",
    "monthly_price": "50.00",
    "currency": "USD",
    "billing_cycle": "monthly",
    "status": "active",
    "trial_ends_at": None,
    "current_period_start": MOMENT,
    "current_period_end": PERIOD_END,
    "cancel_at_period_end": False,
    "scheduled_plan": None,
    "canceled_at": None,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}

CHANGE: Final[dict[str, Any]] = {"subscription_plan": "hybrid"}

CHANGED: Final[dict[str, Any]] = {
    **SUBSCRIPTION,
    "subscription_plan": "hybrid",
    "monthly_price": "99.00",
}

CANCELED: Final[dict[str, Any]] = {**SUBSCRIPTION, "status": "canceled", "canceled_at": MOMENT}

ADD_CREDITS: Final[dict[str, Any]] = {"credits": 10000, "reference": "PO-4711"}

EVENT: Final[dict[str, Any]] = {
    "id": "0193b1a0-0000-7000-8000-000000000012",
    "org_id": ORG_ID,
    "subscription_id": None,
    "event_type": "credit_purchase",
    "amount": "100.00",
    "currency": "USD",
    "credits": 10000,
    "payment_status": "pending",
    "period_start": None,
    "period_end": None,
    "actor": ACTOR,
    "notes": "",
    "metadata": {"reference": "PO-4711"},
    "created_at": MOMENT,
}

ADDED: Final[dict[str, Any]] = {"pool": POOL, "event": EVENT}
