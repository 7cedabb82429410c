"""A receiver that the tests of webhooks may reach."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest
from pytest_django.fixtures import Settings

from organizations.delivering import working
from organizations.events import emit
from organizations.models import Organization, WebhookDelivery, WebhookEndpoint
from organizations.webhooks import posting
from orgbilling.lib.clock import database_now, simulated
from tests.webhook_receiver import Receiver, receiving

DATA = {"user_id": "0193-u", "email": "ann@acme.example", "role": "member", "actor": "system"}


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """A receiver on this machine, and the permission to reach it."""
    with receiving() as server:
        network = ip_network("127.0.0.1/32")
        settings.WEBHOOKS_ALLOWED_HOSTS = (frozenset(), ((network, server.port),))
        settings.WEBHOOKS_ALLOW_HTTP = True
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that last give up after less than a second."""
    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.6)
    monkeypatch.setattr(posting, "BODY_SECONDS", 0.3)


@pytest.fixture
def endpoint(alpha: Organization, receiver: Receiver) -> WebhookEndpoint:
    """Alpha's endpoint at the receiver, for everything."""
    return WebhookEndpoint.objects.open(alpha, url=receiver.url("/hook"), events=["*"], by=None)[0]


@pytest.fixture
def tell(alpha: Organization) -> Callable[[], str]:
    """Tell Alpha's endpoints of something; returns the event's id."""
    return lambda: str(emit(alpha.pk, "member.added", DATA))


def deliver_at(moment: datetime) -> int:
    """Deliver what is due at a moment; returns how many attempts were made."""
    with simulated(moment):
        return working.deliver(seconds=30, stay=False)


def deliver_all(delivery: WebhookDelivery) -> int:
    """Let time pass from one attempt to the next until the delivery isn't pending; returns how many there were."""
    made = 0
    while delivery.next_attempt_at is not None:
        made += deliver_at(max(delivery.next_attempt_at, database_now()) + timedelta(minutes=10))
        delivery.refresh_from_db()
    return made
