"""Charges: one, many at once, and what one would come to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb

from credits.functions.calling import Origin, many, one
from orgbilling.lib import plain_json
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.ids import uuid7, uuid7_text
from orgbilling.lib.sqlstate import error_of


class Charge(NamedTuple):
    """What a service asks for. Exactly one of ``credits`` and ``quantity`` (1 to 10^15) is set."""

    org_id: UUID
    user_id: UUID
    service_name: str
    credits: int | None
    quantity: int | None
    service_type: str | None
    metadata: dict[str, Any]
    origin: Origin


class Charged(NamedTuple):
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


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A row of ``evaluate_charge``: what would become of a charge, and the balances that decide it."""

    refused_by: str | None
    needed: int | None
    unit_price: int | None
    price_version: int | None
    remaining: int
    held: int
    available: int
    overage_allowed: bool
    overage_room: int
    suspended: bool
    active: bool
    entitled: bool
    resets_at: datetime | None


DEDUCT = "SELECT * FROM public.deduct_credits(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"
DEDUCT_WITH_POOL = (
    "SELECT * FROM public.deduct_credits_with_pool(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"
)
BATCH = "SELECT * FROM public.deduct_batch(%s,%s,%s)"
MANY = "SELECT * FROM public.deduct_many(%s,%s)"
BATCH_WITH_POOL = "SELECT * FROM public.deduct_batch_with_pool(%s,%s,%s)"


def deduct_credits(charge: Charge, usage_id: UUID) -> Charged:
    """The ordinary charge: one statement, no lock but the allocation's.

    Raises:
        KeyClaimed: the key was taken by another transaction meanwhile.
        AmountOutOfRange: credits or quantity outside 1 to 10^15.
    """
    return Charged(*one(DEDUCT, [charge.org_id, charge.user_id, usage_id, *_rest(charge)]))


def deduct_credits_with_pool(charge: Charge, usage_id: UUID) -> Charged:
    """The charge that may need the pool, or a refusal that says why.

    Raises:
        NotFound, NoCreditPool, OrganizationSuspended, NotAMember, NoAllocation, AllocationInactive,
        SubscriptionInactive, UnknownService: what forbids the charge.
        AmountOutOfRange: credits or quantity outside 1 to 10^15, or a price beyond it.
    """
    return Charged(
        *one(DEDUCT_WITH_POOL, [charge.org_id, charge.user_id, usage_id, uuid7(), *_rest(charge)])
    )


def deduct_batch(org_id: UUID, charges: Sequence[Charge]) -> list[Charged] | None:
    """The ordinary batch: every charge passes, in one statement. None when one doesn't; nothing was changed.

    Raises:
        KeyClaimed: a key was taken by another transaction meanwhile.
    """
    rows = many(BATCH, [org_id, _items(charges), charges[0].origin.actor])
    if rows[0][1] == "needs_pool":
        return None
    return [_charged(row) for row in rows]


def deduct_many(
    charges: Sequence[Charge], usage_ids: Sequence[UUID], *, lock_timeout_ms: int
) -> list[Charged | None]:
    """Ordinary charges of any organizations, in one statement; None for one that needs another way.

    Args:
        lock_timeout_ms: how long it waits for a lock at most.

    Raises:
        KeyClaimed: a key was taken by another transaction meanwhile; nothing was changed.
    """
    items = [
        _item(charge, usage_id) | {"org_id": charge.org_id, "actor": charge.origin.actor}
        for charge, usage_id in zip(charges, usage_ids, strict=True)
    ]
    rows = many(MANY, [_text(items), lock_timeout_ms])
    return [_charged(row) if row[1] == "charged" else None for row in rows]


def deduct_batch_with_pool(
    org_id: UUID, charges: Sequence[Charge]
) -> list[Charged | OrgBillingError]:
    """Each charge in order, with its outcome or the error that refuses it alone.

    Raises:
        NotFound, NoCreditPool: there is nothing to charge.
        KeyClaimed: a key was taken by another member's charge meanwhile.
    """
    rows = many(BATCH_WITH_POOL, [org_id, _items(charges), charges[0].origin.actor])
    return [_charged_or_error(row) for row in rows]


def evaluate_charge(
    org_id: UUID,
    user_id: UUID,
    *,
    credits: int | None = None,
    quantity: int | None = None,
    service_name: str | None = None,
) -> Evaluation:
    """What would become of a charge now; writes nothing. Without an amount: the balances alone.

    Raises:
        NotFound, NoCreditPool, NotAMember, NoAllocation, UnknownService: it can't be said.
        AmountOutOfRange: credits or quantity outside 1 to 10^15, or a price beyond it.
    """
    args = [org_id, user_id, credits, quantity, service_name]
    return Evaluation(*one("SELECT * FROM public.evaluate_charge(%s,%s,%s,%s,%s)", args))


def has_sufficient_credits(org_id: UUID, user_id: UUID, credits: int) -> bool:
    """Whether a charge would pass now; writes nothing.

    Raises:
        AmountOutOfRange: credits outside 1 to 10^15.
    """
    (answer,) = one("SELECT public.has_sufficient_credits(%s,%s,%s)", [org_id, user_id, credits])
    return bool(answer)


def _rest(charge: Charge) -> list[Any]:
    origin = charge.origin
    return [
        charge.credits,
        charge.quantity,
        charge.service_name,
        charge.service_type,
        origin.request_id,
        Jsonb(charge.metadata, plain_json.dumps),
        origin.idempotency_key,
        origin.body_hash,
        origin.actor,
    ]


def _items(charges: Sequence[Charge]) -> str:
    """The batch as the functions take it; ids are made here, before the insert."""
    return _text([_item(charge, uuid7_text()) for charge in charges])


def _text(items: Sequence[dict[str, Any]]) -> str:
    if not any(plain_json.has_floats(item["metadata"]) for item in items):
        with suppress(orjson.JSONEncodeError):
            return orjson.dumps(items).decode()
    return json.dumps(items, default=str)


def _item(charge: Charge, usage_id: UUID | str) -> dict[str, Any]:
    return {
        "usage_id": usage_id,
        "user_id": charge.user_id,
        "credits": charge.credits,
        "quantity": charge.quantity,
        "service_name": charge.service_name,
        "service_type": charge.service_type,
        "request_id": charge.origin.request_id,
        "metadata": charge.metadata,
        "key": charge.origin.idempotency_key,
        "hash": charge.origin.body_hash.hex() if charge.origin.body_hash else None,
    }


def _charged(row: tuple[Any, ...]) -> Charged:
    _index, outcome, _detail, *rest = row
    return Charged(outcome, *rest)


def _charged_or_error(row: tuple[Any, ...]) -> Charged | OrgBillingError:
    _index, outcome, detail, *_rest_of_row = row
    return error_of(outcome, detail) or _charged(row)
