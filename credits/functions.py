"""The SQL functions of the ledger, one typed caller each. The app executes SQL by hand nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg.types.json import Jsonb

from orgbilling.lib.ids import uuid7
from orgbilling.lib.sqlstate import translated


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked for a movement and in which request; stored with every ledger row.

    Attributes:
        actor: ``user:<id>``, ``key:<id>`` or ``system``.
        request_id: the X-Request-ID, or the body's.
        idempotency_key: None when the caller sent none.
        body_hash: SHA-256 of the request; needed with a key.
    """

    actor: str
    request_id: str
    idempotency_key: str | None = None
    body_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """What a service asks for. Exactly one of ``credits`` and ``quantity`` (1 to 10^15) is set."""

    org_id: UUID
    user_id: UUID
    service_name: str
    credits: int | None
    quantity: int | None
    service_type: str | None
    metadata: dict[str, Any]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Charged:
    """A row of ``deduct_credits`` or ``deduct_credits_with_pool``; see there for the outcomes."""

    outcome: str
    usage_id: UUID
    allocation_id: UUID
    credits_used: int
    overage_credits: int
    unit_price: int | None
    price_version: int | None
    request_id: str
    remaining_credits: int
    created_at: datetime


DEDUCT = "SELECT * FROM public.deduct_credits(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"
DEDUCT_WITH_POOL = (
    "SELECT * FROM public.deduct_credits_with_pool(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"
)


def deduct_credits(charge: Charge, usage_id: UUID) -> Charged:
    """The ordinary charge: one statement, no lock but the allocation's.

    Raises:
        KeyClaimed: the key was taken by another transaction meanwhile.
        AmountOutOfRange: credits or quantity outside 1 to 10^15.
    """
    return Charged(*_one(DEDUCT, [charge.org_id, charge.user_id, usage_id, *_rest(charge)]))


def deduct_credits_with_pool(charge: Charge, usage_id: UUID) -> Charged:
    """The charge that may need the pool, or a refusal that says why.

    Raises:
        NotFound, NoCreditPool, OrganizationSuspended, NotAMember, NoAllocation, AllocationInactive,
        SubscriptionInactive, UnknownService: what forbids the charge.
        AmountOutOfRange: credits or quantity outside 1 to 10^15, or a price beyond it.
    """
    return Charged(
        *_one(DEDUCT_WITH_POOL, [charge.org_id, charge.user_id, usage_id, uuid7(), *_rest(charge)])
    )


def _rest(charge: Charge) -> list[Any]:
    origin = charge.origin
    return [
        charge.credits,
        charge.quantity,
        charge.service_name,
        charge.service_type,
        origin.request_id,
        Jsonb(charge.metadata),
        origin.idempotency_key,
        origin.body_hash,
        origin.actor,
    ]


def has_sufficient_credits(org_id: UUID, user_id: UUID, credits: int) -> bool:
    """Whether a charge would pass now; writes nothing.

    Raises:
        AmountOutOfRange: credits outside 1 to 10^15.
    """
    (answer,) = _one("SELECT public.has_sufficient_credits(%s,%s,%s)", [org_id, user_id, credits])
    return bool(answer)


def add_credits_to_pool(
    *, org_id: UUID, credits: int, kind: str, amount: Decimal, origin: Origin, notes: str
) -> int:
    """Put new credits into a pool; returns what is available afterwards.

    Raises:
        AmountOutOfRange: credits outside 1 to 10^15.
        BalanceLimit: the pool would pass 9·10^18.
    """
    (available,) = _one(
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
    allocation_id, created, _remaining = _one(
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


def close_allocation(*, org_id: UUID, user_id: UUID, origin: Origin, notes: str) -> int | None:
    """Return a member's unspent credits to the pool and deactivate the allocation; None when there was none.

    Raises:
        NoCreditPool: the organization has no pool.
    """
    (returned,) = _one(
        "SELECT public.close_allocation(%s,%s,%s,%s,%s,%s)",
        [org_id, user_id, uuid7(), origin.actor, origin.request_id, notes],
    )
    return returned  # type: ignore[no-any-return]


def reset_allocation_if_due(*, org_id: UUID, user_id: UUID, now: datetime, origin: Origin) -> bool:
    """Close an elapsed period; the caller holds the locks of the pool and the allocation."""
    (done,) = _one(
        "SELECT public.reset_allocation_if_due(%s,%s,%s,%s,%s,%s)",
        [org_id, user_id, uuid7(), now, origin.actor, origin.request_id],
    )
    return bool(done)


def _one(sql: str, args: list[Any]) -> tuple[Any, ...]:
    with translated(), connection.cursor() as cursor:
        cursor.execute(sql, args)
        row: tuple[Any, ...] = cursor.fetchone()
    return row
