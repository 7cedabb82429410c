"""Checking, deducting, holding and refunding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orgbilling_client.calls import (
    BASE,
    Answer,
    Call,
    Id,
    Repeat,
    encoded,
    given,
    keyed,
    read,
    segment,
)
from orgbilling_client.models.charging import Captured, Check, Hold, Usage
from orgbilling_client.parsing import parse

CREDITS = f"{BASE}/credits"
TTL_SECONDS = 900


def check(
    org_id: str, user_id: Id, *, service: str | None, credits: int | None, quantity: int | None
) -> Call[Check]:
    """Ask whether a charge would pass; it writes nothing, so that it may be repeated like a GET."""
    one_of(credits, quantity)
    body = given(
        org_id=org_id,
        user_id=str(user_id),
        service_name=service,
        credits=credits,
        quantity=quantity,
    )
    return Call(
        "POST",
        f"{CREDITS}/check",
        lambda answer: parse(Check, answer.document),
        Repeat.SAFE,
        body=encoded(body),
    )


def deduct(
    org_id: str,
    user_id: Id,
    service: str,
    *,
    credits: int | None,
    quantity: int | None,
    service_type: str | None,
    metadata: Mapping[str, Any] | None,
    request_id: str | None,
    key: str | None,
) -> Call[Usage]:
    """Charge a member."""
    one_of(credits, quantity)
    body = given(
        org_id=org_id,
        user_id=str(user_id),
        service_name=service,
        credits=credits,
        quantity=quantity,
        service_type=service_type,
        metadata=metadata,
        request_id=request_id,
    )
    return keyed(f"{CREDITS}/deduct", _usage, body, key_of(key, request_id))


def hold(
    org_id: str,
    user_id: Id,
    service: str,
    *,
    credits: int | None,
    quantity: int | None,
    ttl_seconds: int,
    service_type: str | None,
    metadata: Mapping[str, Any] | None,
    request_id: str | None,
    key: str | None,
) -> Call[Hold]:
    """Reserve credits of a member."""
    one_of(credits, quantity)
    body = given(
        org_id=org_id,
        user_id=str(user_id),
        service_name=service,
        credits=credits,
        quantity=quantity,
        ttl_seconds=ttl_seconds,
        service_type=service_type,
        metadata=metadata,
        request_id=request_id,
    )
    return keyed(f"{CREDITS}/holds", _hold, body, key_of(key, request_id))


def get_hold(hold_id: Id) -> Call[Hold]:
    """Look at a hold."""
    return read(f"{CREDITS}/holds/{segment('hold_id', hold_id)}", _hold)


def capture(
    hold_id: Id,
    *,
    org_id: str | None,
    credits: int | None,
    final: bool,
    metadata: Mapping[str, Any] | None,
    key: str | None,
) -> Call[Captured]:
    """Charge what a hold reserves, or a part of it."""
    body = given(org_id=org_id, credits=credits, final=final, metadata=metadata)
    path = f"{CREDITS}/holds/{segment('hold_id', hold_id)}/capture"
    return keyed(path, _captured, body, key)


def release(hold_id: Id, *, org_id: str | None, key: str | None) -> Call[Hold]:
    """Give back what a hold reserves."""
    path = f"{CREDITS}/holds/{segment('hold_id', hold_id)}/release"
    return keyed(path, _hold, given(org_id=org_id), key)


def refund(
    usage_id: Id, *, org_id: str | None, credits: int | None, reason: str, key: str | None
) -> Call[Usage]:
    """Give back what a usage charged, or a part of it."""
    body = given(org_id=org_id, credits=credits, reason=reason)
    path = f"{CREDITS}/usage/{segment('usage_id', usage_id)}/refund"
    return keyed(path, _usage, body, key)


def one_of(credits: int | None, quantity: int | None) -> None:
    """Check what is to be charged.

    Raises:
        ValueError: not exactly one of credits and quantity is given.
    """
    if (credits is None) == (quantity is None):
        raise ValueError("Give either credits, or a quantity that the price catalogue prices.")


def key_of(key: str | None, request_id: str | None) -> str | None:
    """Return the key of a charge: a header's key would win over the body's ``request_id``, so they must not differ.

    Raises:
        ValueError: the request id has to serve as the key and isn't one.
    """
    return key if key is not None else request_id


def _usage(answer: Answer) -> Usage:
    return parse(Usage, answer.document, replayed=answer.replayed)


def _hold(answer: Answer) -> Hold:
    return parse(Hold, answer.document, replayed=answer.replayed)


def _captured(answer: Answer) -> Captured:
    return parse(Captured, answer.document, replayed=answer.replayed)
