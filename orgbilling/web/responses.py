"""What a handler answers with.

A plain ``HttpResponse`` with compact JSON, not DRF's ``Response``: content negotiation, renderer
look-up and deferred rendering cost more than a deduct's SQL, and this API speaks only JSON. What
negotiation would refuse is refused by ``orgbilling.web.negotiation`` (406) before the handler runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpResponse
from django.utils.functional import Promise

from orgbilling.lib.plain_json import has_floats

JSON = "application/json"


# The items of a batch have one moment, and a page's rows often few.
@lru_cache(maxsize=256)
def rfc3339(moment: datetime | None) -> str | None:
    """A moment as ``2026-11-22T16:00:00Z`` (RFC 3339, UTC, whole seconds); None stays None."""
    if moment is None:
        return None
    # Not strftime: it doesn't pad years before 1000 on every platform.
    return moment.astimezone(UTC).isoformat(timespec="seconds")[: -len("+00:00")] + "Z"


def money(amount: Decimal | None) -> str | None:
    """An amount with two places, ``"50.00"``; None stays None."""
    return None if amount is None else f"{amount:.2f}"


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Promise):
        return str(value)
    message = f"{type(value).__name__} has no JSON form."
    raise TypeError(message)


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
)


def encode(data: Any) -> bytes:
    """Compact UTF-8 JSON; UUIDs, moments and decimals become the strings of the contract."""
    if has_floats(data):
        return _ENCODER.encode(data).encode()
    try:
        return orjson.dumps(data, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError:
        # It refuses integers of more than 64 bits, and what has no JSON form in words that say less.
        return _ENCODER.encode(data).encode()


def json_response(
    data: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str = JSON,
) -> HttpResponse:
    """Answer with ``data`` as JSON.

    Every handler of an ``ApiView`` returns this (or another ``HttpResponse``), never DRF's ``Response``.
    """
    return HttpResponse(
        encode(data), status=status, content_type=content_type, headers=dict(headers or {})
    )


def no_content() -> HttpResponse:
    """Answer 204, without a body and without a content type."""
    response = HttpResponse(status=204)
    del response["Content-Type"]
    return response
