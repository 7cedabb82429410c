"""Webhook endpoints, the events that they are told of, and what became of each delivery."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from orgbilling_client.calls import Answer, Call, Id, given, keyed, moment, once, read, segment
from orgbilling_client.models.webhooks import (
    Replayed,
    SecretWebhookEndpoint,
    WebhookDelivery,
    WebhookDeliveryDetail,
    WebhookEndpoint,
    WebhookEvent,
)
from orgbilling_client.paging import Page, pages
from orgbilling_client.parsing import parse
from orgbilling_client.requests.organizations import ORGANIZATIONS

EndpointStatus = Literal["enabled", "disabled"]
DeliveryStatus = Literal["pending", "delivered", "failed", "discarded"]


def endpoints(org_id: str, page_size: int) -> Call[Page[WebhookEndpoint]]:
    """List an organization's endpoints."""
    return pages(_endpoints(org_id), WebhookEndpoint, {}, page_size)


def endpoint(org_id: str, endpoint_id: Id) -> Call[WebhookEndpoint]:
    """Look at an endpoint."""
    return read(_endpoint(org_id, endpoint_id), _read_endpoint)


def create(
    org_id: str, url: str, *, description: str | None, events: Sequence[str] | None, key: str | None
) -> Call[SecretWebhookEndpoint]:
    """Make an endpoint."""
    body = given(url=url, description=description, events=_listed(events))
    return keyed(_endpoints(org_id), _read_secret, body, key)


def change(
    org_id: str,
    endpoint_id: Id,
    *,
    url: str | None,
    description: str | None,
    events: Sequence[str] | None,
    status: EndpointStatus | None,
) -> Call[WebhookEndpoint]:
    """Change an endpoint."""
    body = given(url=url, description=description, events=_listed(events), status=status)
    return once("PATCH", _endpoint(org_id, endpoint_id), _read_endpoint, body)


def delete(org_id: str, endpoint_id: Id) -> Call[None]:
    """End an endpoint."""
    return once("DELETE", _endpoint(org_id, endpoint_id), lambda _answer: None)


def rotate_secret(
    org_id: str, endpoint_id: Id, *, overlap_hours: int | None, key: str | None
) -> Call[SecretWebhookEndpoint]:
    """Give an endpoint a new secret."""
    path = f"{_endpoint(org_id, endpoint_id)}/rotate-secret"
    return keyed(path, _read_secret, given(overlap_hours=overlap_hours), key)


def test(org_id: str, endpoint_id: Id, *, key: str | None) -> Call[WebhookDelivery]:
    """Send an endpoint an event of no meaning."""
    return keyed(f"{_endpoint(org_id, endpoint_id)}/test", _read_delivery, {}, key)


def replay(org_id: str, endpoint_id: Id, *, since: datetime, key: str | None) -> Call[Replayed]:
    """Send again what an endpoint missed."""
    path = f"{_endpoint(org_id, endpoint_id)}/replay"
    return keyed(
        path, lambda answer: parse(Replayed, answer.document), {"since": moment(since)}, key
    )


def deliveries(
    org_id: str,
    endpoint_id: Id,
    *,
    event_type: str | None,
    status: DeliveryStatus | None,
    start: datetime | None,
    end: datetime | None,
    page_size: int,
) -> Call[Page[WebhookDelivery]]:
    """List what an endpoint was sent, or is to be."""
    query = given(event_type=event_type, status=status, start=start, end=end)
    return pages(f"{_endpoint(org_id, endpoint_id)}/deliveries", WebhookDelivery, query, page_size)


def delivery(org_id: str, endpoint_id: Id, delivery_id: Id) -> Call[WebhookDeliveryDetail]:
    """Look at a delivery and each attempt of it."""
    return read(
        _delivery(org_id, endpoint_id, delivery_id),
        lambda answer: parse(WebhookDeliveryDetail, answer.document),
    )


def replay_delivery(
    org_id: str, endpoint_id: Id, delivery_id: Id, *, key: str | None
) -> Call[WebhookDelivery]:
    """Send one event again."""
    path = f"{_delivery(org_id, endpoint_id, delivery_id)}/replay"
    return keyed(path, _read_delivery, {}, key)


def events(
    org_id: str,
    *,
    event_type: str | None,
    start: datetime | None,
    end: datetime | None,
    page_size: int,
) -> Call[Page[WebhookEvent]]:
    """List what endpoints were told of."""
    query = given(type=event_type, start=start, end=end)
    path = f"{ORGANIZATIONS}/{segment('org_id', org_id)}/events"
    return pages(path, WebhookEvent, query, page_size)


def _endpoints(org_id: str) -> str:
    return f"{ORGANIZATIONS}/{segment('org_id', org_id)}/webhook-endpoints"


def _endpoint(org_id: str, endpoint_id: Id) -> str:
    return f"{_endpoints(org_id)}/{segment('endpoint_id', endpoint_id)}"


def _delivery(org_id: str, endpoint_id: Id, delivery_id: Id) -> str:
    return f"{_endpoint(org_id, endpoint_id)}/deliveries/{segment('delivery_id', delivery_id)}"


def _listed(events: Sequence[str] | None) -> list[str] | None:
    return None if events is None else list(events)


def _read_endpoint(answer: Answer) -> WebhookEndpoint:
    return parse(WebhookEndpoint, answer.document)


def _read_secret(answer: Answer) -> SecretWebhookEndpoint:
    return parse(SecretWebhookEndpoint, answer.document)


def _read_delivery(answer: Answer) -> WebhookDelivery:
    return parse(WebhookDelivery, answer.document)
