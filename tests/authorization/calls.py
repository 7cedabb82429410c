"""For every row of the table a request that is in order, so that only the caller decides."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse

from billing import cancellation
from tests.api_client import ApiClient
from tests.authorization.table import Row
from tests.authorization.tenants import ORIGIN, RECEIVER, Tenant

Body = dict[str, Any] | None
HOOKS = "organizations/{org_id}/webhook-endpoints"
HOOK = f"{HOOKS}/{{endpoint_id}}"


def _subscribe(tenant: Tenant) -> Body:
    return {"org_id": str(tenant.org.pk), "subscription_plan": "platform"}


def _deduct(tenant: Tenant) -> Body:
    return {
        "org_id": str(tenant.org.pk),
        "user_id": str(tenant.member.pk),
        "service_name": "company_enrichment",
        "credits": 5,
    }


def _allocate(tenant: Tenant) -> Body:
    return {"user_id": str(tenant.member.pk), "credits": 5}


_BODIES: dict[tuple[str, str], Callable[[Tenant], Body]] = {
    ("POST", "subscriptions"): _subscribe,
    ("PUT", "subscriptions/{subscription_id}"): lambda _: {"subscription_plan": "byok"},
    ("PATCH", "subscriptions/{subscription_id}"): lambda _: {"cancel_at_period_end": True},
    ("POST", "credits/{org_id}/add"): lambda _: {"credits": 5},
    ("POST", "credits/{org_id}/allocate"): _allocate,
    ("POST", "credits/{org_id}/reclaim"): _allocate,
    ("POST", "credits/deduct"): _deduct,
    ("PATCH", "credits/{org_id}/settings"): lambda _: {"alert_threshold_percent": 20},
    ("POST", "credits/deduct/batch"): lambda tenant: {"items": [_deduct(tenant)] * 2},
    ("POST", "credits/check"): _deduct,
    ("POST", "credits/holds"): _deduct,
    ("POST", "credits/holds/{hold_id}/capture"): lambda _: {"credits": 5},
    ("POST", "credits/holds/{hold_id}/release"): lambda _: {},
    ("POST", "credits/usage/{usage_id}/refund"): lambda _: {"credits": 5, "reason": "a test"},
    ("POST", "organizations"): lambda _: {"name": "brand-new"},
    ("POST", "organizations/{org_id}/members"): lambda _: {"email": "new@example.com"},
    ("PATCH", "organizations/{org_id}/members/{user_id}"): lambda _: {"role": "admin"},
    ("POST", "organizations/{org_id}/api-keys"): lambda _: {
        "name": "worker",
        "scopes": ["credits:deduct"],
    },
    ("POST", HOOKS): lambda _: {"url": RECEIVER},
    ("PATCH", HOOK): lambda _: {"events": ["credits.low"]},
    ("POST", f"{HOOK}/rotate-secret"): lambda _: {},
    ("POST", f"{HOOK}/test"): lambda _: {},
    ("POST", f"{HOOK}/replay"): lambda _: {"since": "2026-01-01T00:00:00Z"},
    ("POST", f"{HOOK}/deliveries/{{delivery_id}}/replay"): lambda _: {},
}


def body_of(row: Row, tenant: Tenant) -> Body:
    """A body that is in order; None where none belongs."""
    return _BODIES[row.method, row.route](tenant) if row.takes_body else None


def prepare(row: Row, tenant: Tenant) -> None:
    """Bring the tenant into the state in which the row's request succeeds."""
    if (row.method, row.route) == ("POST", "subscriptions"):
        cancellation.cancel(
            org_id=tenant.org.pk, subscription_id=tenant.subscription.pk, origin=ORIGIN
        )


def path_of(route: str, tenant: Tenant, **instead: UUID | str) -> str:
    """The route with the tenant's ids in it, or those given."""
    ids = {
        "org_id": tenant.org.pk,
        "user_id": tenant.member.pk,
        "subscription_id": tenant.subscription.pk,
        "key_id": tenant.api_key.pk,
        "hold_id": tenant.hold_id,
        "usage_id": tenant.usage_id,
        "endpoint_id": tenant.delivery.endpoint_id,
        "delivery_id": tenant.delivery.pk,
    }
    return route.format(**{**ids, **instead})


def send(row: Row, tenant: Tenant, client: ApiClient, **instead: UUID | str) -> HttpResponse:
    """Make the row's request as this caller; `instead` are ids for the path or the body."""
    body = _replaced(body_of(row, tenant), instead)
    return client.request(row.method, path_of(row.route, tenant, **instead), body)


def _replaced(node: Any, instead: dict[str, UUID | str]) -> Any:
    """The body with these ids wherever it has some, in the items of a batch too."""
    if isinstance(node, list):
        return [_replaced(one, instead) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        name: str(instead[name]) if name in instead else _replaced(value, instead)
        for name, value in node.items()
    }
