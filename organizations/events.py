"""The door through which Python tells of what happened: into the outbox, in the transaction that causes it.

The ledger's SQL functions use the same door, `public.record_event`. Where no endpoint of the organization wants
the event, nothing is written. What is rolled back was never told.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from organizations.event_types import REGISTRY
from orgbilling.web.responses import encode


def emit(
    org_id: uuid.UUID, name: str, data: Mapping[str, Any], moment: datetime | None = None
) -> uuid.UUID | None:
    """Record an event and a delivery to each enabled endpoint that wants it, in the caller's transaction.

    Args:
        name: one of `organizations.event_types.REGISTRY`; another one is a KeyError.
        data: what the registry says of the type; UUIDs, moments and decimals become strings, as in the API.
        moment: when it happened; None: now, by the database's clock.

    Returns:
        The event's id; None when no endpoint wants it, and nothing was written.
    """
    known = REGISTRY[name].name
    document = encode({"org_id": org_id, **data}).decode()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT public.record_event(%s, %s, %s::jsonb, %s)", [org_id, known, document, moment]
        )
        recorded: uuid.UUID | None = cursor.fetchone()[0]
    return recorded
