"""Holds: reserving, charging a part, giving back the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from credits.functions.calling import Origin, decoded, many, one
from credits.functions.charges import Charge
from orgbilling.lib.ids import uuid7


@dataclass(frozen=True, slots=True)
class Held:
    """A row of ``place_hold`` or ``place_hold_with_pool``; see there for the outcomes."""

    outcome: str
    hold_id: UUID
    allocation_id: UUID
    credits: int
    remaining_credits: int
    expires_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class HoldOwner:
    """Whose a hold is."""

    org_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class HoldState:
    """What ``capture_hold`` and ``release_hold`` say of a hold; see there for the outcomes."""

    outcome: str
    user_id: UUID
    allocation_id: UUID
    credits: int
    captured_credits: int
    status: str
    service_name: str
    expires_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Capture:
    """The usage row that ``capture_hold`` wrote, or wrote before."""

    usage_id: UUID
    credits_used: int
    overage_credits: int
    service_type: str | None
    unit_price: int | None
    quantity: int | None
    price_version: int | None
    request_id: str
    metadata: dict[str, Any]
    remaining_credits: int
    created_at: datetime


PLACE = "SELECT * FROM public.place_hold(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"
PLACE_WITH_POOL = (
    "SELECT * FROM public.place_hold_with_pool(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"
)
CAPTURE = "SELECT * FROM public.capture_hold(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"
CAPTURE_ONCE = "SELECT * FROM public.capture_hold_once(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"
RELEASE = "SELECT * FROM public.release_hold(%s,%s,%s,%s,%s,%s)"
OWNER = "SELECT h.org_id, h.user_id FROM public.credit_holds AS h WHERE h.id = %s"
HOLD_COLUMNS = 9


def owner_of_hold(hold_id: UUID) -> HoldOwner | None:
    """Whose a hold of any organization is; None when there is none."""
    rows = many(OWNER, [hold_id])
    return HoldOwner(*rows[0]) if rows else None


def place_hold(charge: Charge, ttl_seconds: int, hold_id: UUID) -> Held:
    """The ordinary hold: one statement, no lock but the allocation's.

    Raises:
        KeyClaimed: the key was taken by another transaction meanwhile.
        AmountOutOfRange: credits or quantity outside 1 to 10^15, or seconds outside 1 to 86,400.
    """
    return Held(*one(PLACE, [charge.org_id, charge.user_id, hold_id, *_rest(charge, ttl_seconds)]))


def place_hold_with_pool(charge: Charge, ttl_seconds: int, hold_id: UUID) -> Held:
    """The hold that may need the pool, or a refusal that says why.

    Raises:
        NotFound, NoCreditPool, OrganizationSuspended, NotAMember, NoAllocation, AllocationInactive,
        SubscriptionInactive, UnknownService: what forbids it.
        AmountOutOfRange: as ``place_hold``, or a price beyond the range.
    """
    args = [charge.org_id, charge.user_id, hold_id, uuid7(), *_rest(charge, ttl_seconds)]
    return Held(*one(PLACE_WITH_POOL, args))


def capture_hold(
    *,
    org_id: UUID,
    hold_id: UUID,
    credits: int | None,
    final: bool,
    metadata: dict[str, Any],
    settle_hash: bytes,
    origin: Origin,
    with_pool: bool,
) -> tuple[HoldState, Capture]:
    """Charge a part of a hold; the outcome ``needs_pool`` has changed nothing and has no usage row.

    Args:
        credits: 1 to 10^15; None for all that is left.
        final: whether the rest goes back.
        settle_hash: tells a repetition of the request that settles the hold from another one.

    Raises:
        NoSuchHold, HoldNotPending, HoldAmountExceeded, AmountOutOfRange: as their names say.
    """
    args = [
        *_capture(
            org_id=org_id,
            hold_id=hold_id,
            credits=credits,
            final=final,
            metadata=metadata,
            settle_hash=settle_hash,
            origin=origin,
        ),
        with_pool,
    ]
    return _captured(one(CAPTURE, args))


def capture_hold_once(
    *,
    org_id: UUID,
    hold_id: UUID,
    credits: int | None,
    final: bool,
    metadata: dict[str, Any],
    settle_hash: bytes,
    origin: Origin,
) -> tuple[HoldState, Capture]:
    """``capture_hold`` under a key, which ``origin`` has; the outcome ``needs_claim`` has changed nothing.

    Raises:
        KeyClaimed: the key was taken by another capture meanwhile.
        NoSuchHold, HoldNotPending, HoldAmountExceeded, AmountOutOfRange: as their names say.
    """
    args = _capture(
        org_id=org_id,
        hold_id=hold_id,
        credits=credits,
        final=final,
        metadata=metadata,
        settle_hash=settle_hash,
        origin=origin,
    )
    return _captured(one(CAPTURE_ONCE, args))


def release_hold(
    *, org_id: UUID, hold_id: UUID, settle_hash: bytes, origin: Origin, with_pool: bool
) -> HoldState:
    """Give back what a hold still reserves; the outcome ``needs_pool`` has changed nothing.

    Raises:
        NoSuchHold, HoldNotPending: as their names say.
    """
    args = [org_id, hold_id, settle_hash, origin.request_id, origin.actor, with_pool]
    return HoldState(*one(RELEASE, args))


def _rest(charge: Charge, ttl_seconds: int) -> list[Any]:
    origin = charge.origin
    return [
        charge.credits,
        charge.quantity,
        charge.service_name,
        charge.service_type,
        ttl_seconds,
        origin.request_id,
        Jsonb(charge.metadata),
        origin.idempotency_key,
        origin.body_hash,
        origin.actor,
    ]


def _capture(
    *,
    org_id: UUID,
    hold_id: UUID,
    credits: int | None,
    final: bool,
    metadata: dict[str, Any],
    settle_hash: bytes,
    origin: Origin,
) -> list[Any]:
    return [
        org_id,
        hold_id,
        uuid7(),
        uuid7(),
        credits,
        final,
        Jsonb(metadata),
        settle_hash,
        origin.request_id,
        origin.idempotency_key,
        origin.body_hash,
        origin.actor,
    ]


def _captured(row: tuple[Any, ...]) -> tuple[HoldState, Capture]:
    part = Capture(*row[HOLD_COLUMNS:])
    return HoldState(*row[:HOLD_COLUMNS]), replace(part, metadata=decoded(part.metadata))
