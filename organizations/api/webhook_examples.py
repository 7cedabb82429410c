"""Examples of the webhooks' API, for the OpenAPI document."""

from __future__ import annotations

from typing import Final

from organizations.api.serializers import ORG_ID, USER_ID
from organizations.event_types import REGISTRY

ENDPOINT_ID: Final = "0198a5c0-0000-7000-8000-000000000021"
DELIVERY_ID: Final = "0198a5c0-0000-7000-8000-000000000022"
EVENT_ID: Final = "0198a5c0-0000-7000-8000-000000000023"
URL: Final = "https://hooks.example.com/billing"
AT: Final = "2026-11-28T09:30:00Z"

ENDPOINT: Final = {
    "id": ENDPOINT_ID,
    "org_id": ORG_ID,
    "url": URL,
    "description": "CRM",
    "events": ["credits.low", "credits.exhausted", "invoice.paid"],
    "status": "enabled",
    "disabled_reason": None,
    "disabled_at": None,
    "failing_since": None,
    "last_success_at": AT,
    "previous_secret_until": None,
    "created_by": USER_ID,
    "created_at": "2026-11-22T16:00:00Z",
    "updated_at": "2026-11-22T16:00:00Z",
}
WITH_SECRET: Final = {
    **ENDPOINT,
    "last_success_at": None,
    # Zeros: nobody's secret.
    "secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",  # pragma: allowlist secret
}
CREATE: Final = {key: ENDPOINT[key] for key in ("url", "description", "events")}
DELIVERY: Final = {
    "id": DELIVERY_ID,
    "org_id": ORG_ID,
    "endpoint_id": ENDPOINT_ID,
    "event_id": EVENT_ID,
    "event_type": "credits.low",
    "status": "delivered",
    "attempts": 1,
    "next_attempt_at": None,
    "last_attempt_at": "2026-11-28T09:30:01Z",
    "delivered_at": "2026-11-28T09:30:01Z",
    "last_status": 204,
    "last_error": "",
    "created_at": AT,
}
WAITING: Final = {
    **DELIVERY,
    "status": "pending",
    "attempts": 0,
    "next_attempt_at": AT,
    "last_attempt_at": None,
    "delivered_at": None,
    "last_status": None,
}
BODY: Final = REGISTRY["credits.low"].example()
DETAIL: Final = {
    **DELIVERY,
    "body": BODY,
    "attempt_log": [
        {
            "number": 1,
            "started_at": "2026-11-28T09:30:01Z",
            "ended_at": "2026-11-28T09:30:01Z",
            "status_code": 204,
            "error": "",
            "response": "",
        }
    ],
}
EVENT: Final = {"id": EVENT_ID, "org_id": ORG_ID, **BODY}
