"""The service's own description, and which of the client's methods stands for each operation."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from orgbilling_client import Charge, Client

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/openapi.yaml"
ID = "0199b1e2-0000-7000-8000-000000000003"
WHEN = datetime(2026, 11, 22, 16, tzinfo=UTC)
BETWEEN = {"start": WHEN, "end": WHEN}
FILTERS: dict[str, Any] = {
    "user_id": ID,
    "service": "bulk_export",
    "service_type": "export",
    **BETWEEN,
}
CHARGED: dict[str, Any] = {"service_type": "export", "metadata": {"a": 1}}
ASKED: dict[str, Any] = {**CHARGED, "request_id": "order-7"}

Calls = list[Callable[[Client], Any]]

#: Each operation of the document: calls that together use every parameter and every field of it.
OPERATIONS: dict[str, Calls] = {
    "billing_org_history_retrieve": [lambda c: c.history(event_type="credit_grant", **BETWEEN)],
    "billing_org_retrieve": [lambda c: c.org_dashboard()],
    "billing_system_retrieve": [lambda c: c.system_dashboard()],
    "billing_user_retrieve": [lambda c: c.user_dashboard()],
    "credits_add_create": [
        lambda c: c.add_credits(5, purchase_amount="0.05", currency="USD", reference="r", notes="n")
    ],
    "credits_allocate_create": [
        lambda c: c.allocate(ID, 5, reset_period="never", recurring=False, notes="n")
    ],
    "credits_allocations_retrieve": [lambda c: c.allocations()],
    "credits_check_create": [
        lambda c: c.check(ID, "bulk_export", quantity=3),
        lambda c: c.check(ID, credits=5),
    ],
    "credits_deduct_batch_create": [
        lambda c: c.deduct_batch(
            [
                Charge(user_id=ID, service="bulk_export", credits=5, key="k", **CHARGED),
                Charge(user_id=ID, service="bulk_export", quantity=5),
            ],
            atomic=True,
        )
    ],
    "credits_deduct_create": [
        lambda c: c.deduct(ID, "bulk_export", 5, **ASKED),
        lambda c: c.deduct(ID, "bulk_export", quantity=5),
    ],
    "credits_holds_capture_create": [
        lambda c: c.capture_hold(ID, 5, final=False, metadata={"a": 1})
    ],
    "credits_holds_create": [
        lambda c: c.place_hold(ID, "bulk_export", 5, ttl_seconds=60, **ASKED),
        lambda c: c.place_hold(ID, "bulk_export", quantity=5),
    ],
    "credits_holds_release_create": [lambda c: c.release_hold(ID)],
    "credits_holds_retrieve": [lambda c: c.get_hold(ID)],
    "credits_reclaim_create": [lambda c: c.reclaim(ID, 5, notes="n")],
    "credits_refusals_retrieve": [lambda c: c.refusals()],
    "credits_retrieve": [lambda c: c.pool(at=WHEN)],
    "credits_settings_partial_update": [
        lambda c: c.change_settings(
            allow_overage=True,
            overage_limit=5,
            alert_threshold_percent=None,
            alert_threshold_credits=5,
            monthly_refresh_amount=0,
            overage_rate="0.02",
            account_limit="10.00",
        )
    ],
    "credits_usage_export_retrieve": [lambda c: c.export_usage(io.BytesIO(), **FILTERS)],
    "credits_usage_refund_create": [lambda c: c.refund(ID, "Not found", 5)],
    "credits_usage_retrieve": [lambda c: c.usage(**FILTERS)],
    "credits_usage_summary_retrieve": [lambda c: c.usage_summary("user", **FILTERS)],
    "credits_user_retrieve": [lambda c: c.user_credits(ID)],
    "health": [lambda c: c.health()],
    "organizations_api_keys_create": [
        lambda c: c.issue_api_key("agent", ["credits:deduct"], expires_at=WHEN)
    ],
    "organizations_api_keys_destroy": [lambda c: c.revoke_api_key(ID)],
    "organizations_api_keys_retrieve": [lambda c: c.api_keys()],
    "organizations_create": [
        lambda c: c.create_organization("new-org", display_name="New", timezone="Europe/Berlin")
    ],
    "organizations_events_list": [lambda c: c.events("credits.added", **BETWEEN)],
    "organizations_members_create": [
        lambda c: c.add_member(email="new@example.com", role="admin"),
        lambda c: c.add_member(user_id=ID),
    ],
    "organizations_members_destroy": [lambda c: c.remove_member(ID)],
    "organizations_members_partial_update": [lambda c: c.change_member(ID, "admin")],
    "organizations_members_retrieve": [lambda c: c.members()],
    "organizations_retrieve": [lambda c: c.organizations()],
    "organizations_webhook_endpoints_create": [
        lambda c: c.create_webhook_endpoint(
            "https://receiver.example/", events=["credits.low"], description="d"
        )
    ],
    "organizations_webhook_endpoints_deliveries_list": [
        lambda c: c.webhook_deliveries(ID, event_type="credits.low", status="failed", **BETWEEN)
    ],
    "organizations_webhook_endpoints_deliveries_replay_create": [
        lambda c: c.replay_webhook_delivery(ID, ID)
    ],
    "organizations_webhook_endpoints_deliveries_retrieve": [lambda c: c.webhook_delivery(ID, ID)],
    "organizations_webhook_endpoints_destroy": [lambda c: c.delete_webhook_endpoint(ID)],
    "organizations_webhook_endpoints_list": [lambda c: c.webhook_endpoints()],
    "organizations_webhook_endpoints_partial_update": [
        lambda c: c.change_webhook_endpoint(
            ID,
            url="https://receiver.example/",
            events=["*"],
            description="d",
            status="disabled",
        )
    ],
    "organizations_webhook_endpoints_replay_create": [lambda c: c.replay_webhooks(ID, WHEN)],
    "organizations_webhook_endpoints_retrieve": [lambda c: c.webhook_endpoint(ID)],
    "organizations_webhook_endpoints_rotate_secret_create": [
        lambda c: c.rotate_webhook_secret(ID, overlap_hours=1)
    ],
    "organizations_webhook_endpoints_test_create": [lambda c: c.test_webhook_endpoint(ID)],
    "plans_retrieve": [lambda c: c.plans()],
    "prices_retrieve": [lambda c: c.prices()],
    "ready": [lambda c: c.ready()],
    "subscriptions_create": [
        lambda c: c.subscribe("byok", billing_cycle="yearly", trial_days=7, monthly_price="9.00")
    ],
    "subscriptions_destroy": [lambda c: c.cancel_subscription(ID, at_period_end=True)],
    "subscriptions_org_retrieve": [lambda c: c.subscriptions()],
    "subscriptions_partial_update": [
        lambda c: c.change_subscription(
            ID, plan="hybrid", billing_cycle="monthly", cancel_at_period_end=False
        )
    ],
    "subscriptions_retrieve": [lambda c: c.subscription(ID)],
}
#: The same as another operation, so that one method is enough.
ALIASES = {"subscriptions_update": "PUT says the same as PATCH, by change_subscription"}


@cache
def document() -> dict[str, Any]:
    """The description that the repository keeps, which another test compares with the service."""
    loaded: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
    return loaded


@cache
def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation, by its name."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def schemas() -> dict[str, dict[str, Any]]:
    """The named schemas."""
    named: dict[str, dict[str, Any]] = document()["components"]["schemas"]
    return named


def success(name: str) -> tuple[int, str, Any]:
    """Status, content type and example of the operation's last answer of 2xx."""
    answers = operations()[name][2]["responses"]
    status = max(int(one) for one in answers if one.startswith("2"))
    for kind, content in answers[str(status)].get("content", {}).items():
        (example,) = content["examples"].values()
        return status, kind, example["value"]
    return status, "", None


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference refers to."""
    while "$ref" in schema:
        schema = schemas()[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def request_schema(name: str) -> dict[str, Any] | None:
    """The schema of the operation's body, if it has one."""
    body = operations()[name][2].get("requestBody")
    return body and resolved(body["content"]["application/json"]["schema"])


def parameters(name: str, place: str) -> set[str]:
    """The names of the operation's parameters in ``path``, ``query`` or ``header``."""
    return {
        one["name"] for one in operations()[name][2].get("parameters", []) if one["in"] == place
    }


def answered() -> set[str]:
    """The names of the schemas that answers of 2xx are made of."""
    found: set[str] = set()
    for _, _, operation in operations().values():
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                _collect(answer, found)
    return found


def _collect(node: Any, found: set[str]) -> None:
    if isinstance(node, list):
        for one in node:
            _collect(one, found)
    elif isinstance(node, dict):
        place, _, name = str(node.get("$ref", "")).rpartition("/")
        if place.endswith("schemas") and name not in found:
            found.add(name)
            _collect(schemas()[name], found)
        for one in node.values():
            _collect(one, found)
