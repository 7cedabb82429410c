"""What is counted of webhooks, each after its transaction was committed."""

from __future__ import annotations

from typing import Final

from orgbilling.lib.metrics import counter

WEBHOOK_ATTEMPTS = counter(
    "webhook_attempts",
    "Attempts to bring an event to an endpoint; given_up was the last one of its schedule.",
    "outcome",
)

DELIVERED: Final = WEBHOOK_ATTEMPTS.labels("delivered")
FAILED: Final = WEBHOOK_ATTEMPTS.labels("failed")
GIVEN_UP: Final = WEBHOOK_ATTEMPTS.labels("given_up")
