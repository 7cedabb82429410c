"""The service with a Stripe of its own."""

from collections.abc import Iterator
from typing import Any

import stripe

from tests.stripe_server.server import SECRET_KEY, WEBHOOK_SECRET, StripeServer


def configured(settings: Any, monkeypatch: Any) -> Iterator[StripeServer]:
    """Runs a server, which the settings name as long as it runs; the client tries again without waiting."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0)
    running = StripeServer()
    settings.PAYMENT_PROVIDER = "stripe"
    settings.STRIPE_SECRET_KEY = SECRET_KEY
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
    settings.STRIPE_PUBLISHABLE_KEY = "pk_test_local"
    settings.STRIPE_API_BASE = running.url
    yield running
    running.close()
