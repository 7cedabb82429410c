"""Movements between the pool and its members, refunds, and what time brings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from credits.functions.calling import Origin, decoded, one
from orgbilling.lib.ids import uuid7

REFUND_ONCE = "SELECT * FROM public.refund_usage_once(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"


@dataclass(frozen=True, slots=True)
class Refunded:
    """The row of a refund, as ``refund_usage_once`` returns it; see there for the outcomes."""

    outcome: str
    refund_id: UUID
    user_id: UUID
    allocation_id: UUID
    credits_used: int
    overage_credits: int
    service_type: str | None
    service_name: str
    unit_price: int | None
    price_version: int | None
    request_id: str
    metadata: dict[str, Any]
    remaining_credits: int
    created_at: datetime


def add_credits_to_pool(
    *, org_id: UUID, credits: int, kind: str, amount: Decimal, origin: Origin, notes: str
) -> int:
    """Put new credits into a pool; returns what is available afterwards.

    Raises:
        AmountOutOfRange: credits outside 1 to 10^15.
        BalanceLimit: the pool would pass 9·10^18.
    """
    (available,) = one(
        "SELECT public.add_credits_to_pool(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        [
            org_id,
            uuid7(),
            uuid7(),
            credits,
            kind,
            amount,
            origin.actor,
            origin.request_id,
            origin.idempotency_key,
            origin.body_hash,
            notes,
        ],
    )
    return int(available)


def allocate_credits_to_user(
    *,
    org_id: UUID,
    user_id: UUID,
    credits: int,
    reset_period: str | None,
    recurring: bool,
    origin: Origin,
    notes: str,
) -> tuple[UUID, bool]:
    """Move credits from the pool to a member; returns the allocation's id and whether it was made.

    Raises:
        InsufficientPoolCredits: the pool has fewer available.
        NotAMember: the user is not a member of the organization.
        NoCreditPool, AmountOutOfRange, BalanceLimit: as their names say.
    """
    allocation_id, created, _remaining = one(
        "SELECT * FROM public.allocate_credits_to_user(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        [
            org_id,
            user_id,
            uuid7(),
            uuid7(),
            uuid7(),
            credits,
            reset_period,
            recurring,
            origin.actor,
            origin.request_id,
            origin.idempotency_key,
            origin.body_hash,
            notes,
        ],
    )
    return allocation_id, created


def reclaim_credits(
    *, org_id: UUID, user_id: UUID, credits: int | None, origin: Origin, notes: str
) -> tuple[UUID, int]:
    """Take credits (None: all that remain) back from a member; returns the allocation and what was taken.

    Raises:
        InsufficientCredits: fewer remain.
        NoAllocation, AllocationInactive, NoCreditPool, AmountOutOfRange: as their names say.
    """
    allocation_id, taken = one(
        "SELECT * FROM public.reclaim_credits(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        [
            org_id,
            user_id,
            uuid7(),
            uuid7(),
            credits,
            origin.actor,
            origin.request_id,
            origin.idempotency_key,
            origin.body_hash,
            notes,
        ],
    )
    return allocation_id, taken


def change_reset_period(
    *, org_id: UUID, user_id: UUID, reset_period: str, origin: Origin
) -> tuple[UUID, str]:
    """Change how often an allocation is filled up; returns its id and the period that it had.

    Raises:
        NoAllocation, AllocationInactive, NoCreditPool: as their names say.
    """
    allocation_id, before = one(
        "SELECT * FROM public.change_reset_period(%s,%s,%s,%s,%s)",
        [org_id, user_id, uuid7(), reset_period, origin.request_id],
    )
    return allocation_id, before


def refund_usage_once(
    *,
    org_id: UUID,
    usage_id: UUID,
    refund_id: UUID,
    credits: int | None,
    metadata: dict[str, Any],
    own_actor: str | None,
    origin: Origin,
    with_pool: bool,
) -> Refunded:
    """Give back credits of a charge, at most once for the key of ``origin``, if it has one.

    Args:
        credits: 1 to 10^15; None for all that was not given back yet.

    Returns:
        The refund's row; the outcome ``needs_pool`` has changed nothing and has none.

    Raises:
        KeyClaimed: the key was taken by another refund meanwhile.
        NoSuchUsage, RefundExceedsUsage, AmountOutOfRange: as their names say.
        PermissionRefused: somebody other than ``own_actor`` charged.
    """
    args = [
        org_id,
        usage_id,
        refund_id,
        uuid7(),
        uuid7(),
        credits,
        Jsonb(metadata),
        own_actor,
        origin.request_id,
        origin.idempotency_key,
        origin.body_hash,
        origin.actor,
        with_pool,
    ]
    row = Refunded(*one(REFUND_ONCE, args))
    return replace(row, metadata=decoded(row.metadata))


def close_allocation(*, org_id: UUID, user_id: UUID, origin: Origin, notes: str) -> int | None:
    """Return a member's unspent credits to the pool and deactivate the allocation; None when there was none.

    Raises:
        NoCreditPool: the organization has no pool.
    """
    (returned,) = one(
        "SELECT public.close_allocation(%s,%s,%s,%s,%s,%s)",
        [org_id, user_id, uuid7(), origin.actor, origin.request_id, notes],
    )
    return returned  # type: ignore[no-any-return]


def reset_allocation_if_due(*, org_id: UUID, user_id: UUID, now: datetime, origin: Origin) -> bool:
    """Close an elapsed period; the caller holds the locks of the pool and the allocation."""
    (done,) = one(
        "SELECT public.reset_allocation_if_due(%s,%s,%s,%s,%s,%s)",
        [org_id, user_id, uuid7(), now, origin.actor, origin.request_id],
    )
    return bool(done)


def refresh_pool_if_due(*, org_id: UUID, origin: Origin) -> int:
    """Grant the pool's elapsed monthly refreshes; the caller holds the pool's lock. Returns how many."""
    (granted,) = one(
        "SELECT public.refresh_pool_if_due(%s,public.billing_now(),%s,%s)",
        [org_id, origin.actor, origin.request_id],
    )
    return int(granted)


def first_boundary(*, org_id: UUID, anchor: datetime) -> datetime:
    """The first monthly boundary after the anchor, by the organization's calendar."""
    (boundary,) = one(
        "SELECT public.period_boundary(%s, 'monthly', o.timezone, %s) FROM public.organizations o WHERE o.id = %s",
        [anchor, anchor, org_id],
    )
    return boundary  # type: ignore[no-any-return]


def close_overage_period(*, org_id: UUID) -> int | None:
    """Close the overage period if it has ended; the caller holds the pool's lock. Returns its credits."""
    (closed,) = one("SELECT public.close_overage_period(%s,public.billing_now())", [org_id])
    return closed  # type: ignore[no-any-return]


def settle_due(*, org_id: UUID, limit: int, request_id: str) -> int:
    """Apply what time has brought to an organization and ``limit`` allocations; returns how many it looked at.

    Raises:
        NoCreditPool: the organization has no pool.
    """
    (count,) = one("SELECT public.settle_due(%s,%s,%s)", [org_id, limit, request_id])
    return int(count)


def record_refusal(
    *,
    org_id: UUID,
    user_id: UUID,
    service_name: str,
    code: str,
    refused_by: str,
    requested: int | None,
    remaining: int | None,
    origin: Origin,
) -> None:
    """Count a refusal, at most 500 rows an organization and day."""
    one(
        "SELECT public.record_refusal(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        [
            org_id,
            uuid7(),
            user_id,
            service_name,
            code,
            refused_by,
            requested,
            remaining,
            origin.request_id,
            origin.actor,
        ],
    )
