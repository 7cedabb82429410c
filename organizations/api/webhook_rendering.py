"""Webhooks' rows as the shapes of the API."""

from __future__ import annotations

from typing import Any

from organizations.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent


def render_endpoint(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """An endpoint without its secrets."""
    return {
        "id": endpoint.id,
        "org_id": endpoint.org_id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "status": endpoint.status,
        "disabled_reason": endpoint.disabled_reason or None,
        "disabled_at": endpoint.disabled_at,
        "failing_since": endpoint.failing_since,
        "last_success_at": endpoint.last_success_at,
        "previous_secret_until": endpoint.previous_secret_until,
        "created_by": endpoint.created_by_id,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }


def render_delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    """A delivery; its event is to be selected with it."""
    return {
        "id": delivery.id,
        "org_id": delivery.org_id,
        "endpoint_id": delivery.endpoint_id,
        "event_id": delivery.event_id,
        "event_type": delivery.event.type,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "next_attempt_at": delivery.next_attempt_at,
        "last_attempt_at": delivery.last_attempt_at,
        "delivered_at": delivery.delivered_at,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "created_at": delivery.created_at,
    }


def render_attempt(attempt: WebhookAttempt) -> dict[str, Any]:
    """One request, and what came back."""
    return {
        "number": attempt.number,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "response": attempt.response,
    }


def render_detail(delivery: WebhookDelivery, attempts: list[WebhookAttempt]) -> dict[str, Any]:
    """A delivery with what is sent, and each attempt."""
    return {
        **render_delivery(delivery),
        "body": render_body(delivery.event),
        "attempt_log": [render_attempt(attempt) for attempt in attempts],
    }


def render_body(event: WebhookEvent) -> dict[str, Any]:
    """What is sent of an event."""
    return {"type": event.type, "timestamp": event.created_at, "data": event.data}


def render_event(event: WebhookEvent) -> dict[str, Any]:
    """An event, with its id."""
    return {"id": event.id, "org_id": event.org_id, **render_body(event)}
