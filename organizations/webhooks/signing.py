"""The body and the headers of a webhook, by the Standard Webhooks: the bytes that are signed are the bytes sent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from standardwebhooks import Webhook

from orgbilling.web.responses import encode, rfc3339

USER_AGENT: Final = "orgbilling-webhooks/1"


def body_of(name: str, moment: datetime, data: Mapping[str, Any]) -> bytes:
    """What is sent of an event: the same bytes at every attempt."""
    return encode({"type": name, "timestamp": rfc3339(moment), "data": data})


def headers_of(
    event_id: uuid.UUID, body: bytes, secrets: Sequence[str], moment: datetime
) -> dict[str, str]:
    """The headers of one attempt.

    Args:
        secrets: the current one, and during a rotation the former one too: a signature for each.
        moment: of the attempt, which receivers compare with their clock.
    """
    text, told = body.decode(), str(event_id)
    signatures = [
        Webhook(secret).sign(msg_id=told, timestamp=moment, data=text) for secret in secrets
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": told,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
