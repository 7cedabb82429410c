"""Webhooks: where they go, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """Where an organization is told of events, and how it fares."""

    id: str
    org_id: str
    url: str
    description: str
    events: tuple[str, ...]
    status: str
    disabled_reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    last_success_at: datetime | None
    previous_secret_until: datetime | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretWebhookEndpoint:
    """An endpoint whose secret was just made: the only answers that ever hold it."""

    id: str
    org_id: str
    url: str
    description: str
    events: tuple[str, ...]
    status: str
    disabled_reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    last_success_at: datetime | None
    previous_secret_until: datetime | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    #: For signing; shown this once, and not by ``repr``.
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookBody:
    """What is sent: the types' data are under `webhooks` in this document."""

    type: str
    timestamp: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """Something that happened, of which an endpoint wanted to be told."""

    type: str
    timestamp: datetime
    data: Mapping[str, Any]
    id: str
    org_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """An event on its way to one endpoint."""

    id: str
    org_id: str
    endpoint_id: str
    event_id: str
    event_type: str
    status: str
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    delivered_at: datetime | None
    last_status: int | None
    last_error: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAttempt:
    """One request, and what came back."""

    number: int
    started_at: datetime
    ended_at: datetime
    status_code: int | None
    error: str
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDeliveryDetail:
    """A delivery with what is sent, and each attempt."""

    id: str
    org_id: str
    endpoint_id: str
    event_id: str
    event_type: str
    status: str
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    delivered_at: datetime | None
    last_status: int | None
    last_error: str
    created_at: datetime
    body: WebhookBody
    attempt_log: tuple[WebhookAttempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How much is sent again."""

    replayed: int
    more: bool
