"""How the pages about webhooks say states, answers and bodies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from organizations.choices import DeliveryStatus, DisabledReason, EndpointStatus
from organizations.event_types import EVERYTHING
from organizations.models import Organization, WebhookDelivery, WebhookEndpoint, WebhookEvent
from organizations.webhooks.signing import body_of
from orgbilling.console.credit_pages.wording import moment_of
from orgbilling.lib.clock import now

SUCCESS: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Badge:
    """A word and its colour: good, warn, bad, accent, or none."""

    label: str
    tone: str = ""


DELIVERIES: Final = {
    DeliveryStatus.PENDING: Badge("Waiting", "accent"),
    DeliveryStatus.DELIVERED: Badge("Delivered", "good"),
    DeliveryStatus.FAILED: Badge("Failed", "bad"),
    DeliveryStatus.DISCARDED: Badge("Discarded", "warn"),
}
DISABLED: Final = {
    DisabledReason.BY_HAND: "It was disabled by hand. Nothing is sent to it until it is enabled.",
    DisabledReason.GONE: "It answered 410 Gone, which means that it wants nothing more. "
    "Enable it if that was a mistake, then replay what failed.",
    DisabledReason.FAILING: "Everything failed for five days. "
    "Mend what receives the events, enable the endpoint, then replay what failed.",
}


def endpoint_badge(endpoint: WebhookEndpoint) -> Badge:
    """How the endpoint fares, in a word."""
    if endpoint.status == EndpointStatus.DELETED:
        return Badge("Deleted")
    if endpoint.status == EndpointStatus.DISABLED:
        return Badge("Disabled", "warn" if endpoint.disabled_reason == "by_hand" else "bad")
    return Badge("Failing", "warn") if endpoint.is_failing else Badge("Enabled", "good")


def delivery_badge(delivery: WebhookDelivery) -> Badge:
    """What became of the delivery; one that is tried again says so."""
    badge = DELIVERIES[DeliveryStatus(delivery.status)]
    retried = delivery.status == DeliveryStatus.PENDING and delivery.attempts > 0
    return Badge("Trying again", "warn") if retried else badge


def attempt_badge(status_code: int | None) -> Badge:
    """What was answered."""
    if status_code is None:
        return Badge("No answer", "bad")
    return Badge(str(status_code), "good" if status_code in SUCCESS else "bad")


def events_of(endpoint: WebhookEndpoint) -> str:
    """What the endpoint is told of, in a few words."""
    named = [name for name in endpoint.events if name != EVERYTHING]
    if EVERYTHING in endpoint.events:
        return "All" + "".join(f", and {name}" for name in named)
    return named[0] if len(named) == 1 else f"{len(named)} types"


def secret_of(endpoint: WebhookEndpoint, organization: Organization) -> str:
    """What there is to say about a secret that isn't shown."""
    until = endpoint.previous_secret_until
    if endpoint.status == EndpointStatus.DELETED:
        return "Deleted with it"
    if until is not None and until > now():
        return f"Not shown again; the former one signs too until {moment_of(until, organization)}"
    return "Not shown again"


def answer_of(delivery: WebhookDelivery) -> str:
    """What the last attempt came to."""
    if delivery.last_error:
        return delivery.last_error
    return str(delivery.last_status) if delivery.last_status is not None else ""


def next_of(delivery: WebhookDelivery, organization: Organization) -> str:
    """When it is tried next; empty when it isn't."""
    if delivery.next_attempt_at is None:
        return ""
    due = delivery.next_attempt_at <= now()
    return "now" if due else moment_of(delivery.next_attempt_at, organization)


def took(duration: timedelta) -> str:
    """``120 ms``, ``15.0 s``."""
    seconds = duration.total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def pretty(event: WebhookEvent) -> str:
    """What is sent of the event, with line breaks for people."""
    sent = json.loads(body_of(event.type, event.created_at, event.data))
    return json.dumps(sent, indent=2, ensure_ascii=False)


def moment(at: datetime | None, organization: Organization) -> str:
    """When, in the organization's zone; ``never``."""
    return moment_of(at, organization)
