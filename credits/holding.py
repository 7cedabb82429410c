"""Holds: reserve, charge in parts, give back the rest; one round trip each, two where the pool is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from credits import functions, metrics, refusing
from credits.errors import HoldAmountExceeded, HoldNotPending, KeyClaimed
from credits.explaining import insufficient
from credits.functions import Capture, Charge, Held, HoldState, Origin
from credits.idempotency import Answer, run_claiming
from credits.models import Hold, Usage
from credits.without_pool_first import without_pool_first
from organizations.choices import AuditAction
from organizations.models import AuditLogEntry
from orgbilling.lib.after_commit import after_commit
from orgbilling.lib.errors import IdempotencyKeyReused, OrgBillingError
from orgbilling.lib.ids import uuid7
from orgbilling.lib.transactions import call

logger = structlog.stdlib.get_logger(__name__)

OPERATION = "holds"


@dataclass(frozen=True, slots=True)
class HoldOrder:
    """What is to be reserved, and for how many seconds (1 to 86,400)."""

    charge: Charge
    ttl_seconds: int = 900


@dataclass(frozen=True, slots=True)
class Placed:
    """A hold as it was when it was made, now or by an earlier request with the same key."""

    charge: Charge
    held: Held

    @property
    def replayed(self) -> bool:
        """Whether an earlier request made it."""
        return self.held.outcome == "replayed"

    @property
    def hold(self) -> Hold:
        """Its row, as far as it was told."""
        charge, held = self.charge, self.held
        return Hold(
            id=held.hold_id,
            org_id=charge.org_id,
            user_id=charge.user_id,
            allocation_id=held.allocation_id,
            credits=held.credits,
            service_name=charge.service_name,
            remaining_credits=held.remaining_credits,
            expires_at=held.expires_at,
            created_at=held.created_at,
        )


@dataclass(frozen=True, slots=True)
class Captured:
    """A part of a hold that was charged, now or by an earlier, identical final request."""

    org_id: UUID
    hold_id: UUID
    state: HoldState
    part: Capture

    @property
    def replayed(self) -> bool:
        """Whether an earlier request charged it."""
        return self.state.outcome in {"replayed", "answered"}

    @property
    def hold(self) -> Hold:
        """The hold's row, as far as it was told."""
        return _hold(self.org_id, self.hold_id, self.state)

    @property
    def usage(self) -> Usage:
        """The usage row as it was when it was charged: ``refunded_credits`` shows no later refund."""
        state, part = self.state, self.part
        usage = Usage(
            id=part.usage_id,
            org_id=self.org_id,
            user_id=state.user_id,
            allocation_id=state.allocation_id,
            credits_used=part.credits_used,
            overage_credits=part.overage_credits,
            service_type=part.service_type,
            service_name=state.service_name,
            unit_price=part.unit_price,
            quantity=part.quantity,
            price_version=part.price_version,
            request_id=part.request_id,
            metadata=part.metadata,
            hold_id=self.hold_id,
            remaining_credits=part.remaining_credits,
            created_at=part.created_at,
        )
        usage.refunded_credits = 0  # type: ignore[attr-defined]
        return usage


@dataclass(frozen=True, slots=True)
class Released:
    """A hold that was given back, now or by an earlier request."""

    hold: Hold
    replayed: bool


def place(order: HoldOrder) -> Placed | Answer:
    """Reserve credits of a member's allocation, at most once for a key.

    Returns:
        The hold, or the answer of a refusal (402), which is final for the key.

    Raises:
        IdempotencyKeyReused: the key was used with another request.
        OrgBillingError: what forbids it; nothing moved and the same key may be retried.
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions``.
    """
    outcome = _place(order, uuid7())
    if isinstance(outcome, Placed) and not outcome.replayed:
        after_commit(metrics.CREATED.inc)
    return outcome


def _place(order: HoldOrder, hold_id: UUID) -> Placed | Answer:
    charge = order.charge
    try:
        held = call(lambda: functions.place_hold(charge, order.ttl_seconds, hold_id))
    except KeyClaimed:
        return _decide(order, hold_id)
    if held.outcome == "needs_pool":
        return _decide(order, hold_id)
    return _placed(charge, held)


def _decide(order: HoldOrder, hold_id: UUID) -> Placed | Answer:
    try:
        return run_claiming(lambda: _with_pool(order, hold_id))
    except OrgBillingError as exc:
        refusing.count(order.charge, exc)
        raise


def _with_pool(order: HoldOrder, hold_id: UUID) -> Placed | Answer:
    charge = order.charge
    held = functions.place_hold_with_pool(charge, order.ttl_seconds, hold_id)
    if held.outcome == "insufficient_credits":
        return refusing.refuse(
            OPERATION,
            charge,
            insufficient(charge, needed=held.credits, remaining=held.remaining_credits),
        )
    if held.outcome == "refused_before":
        return refusing.repeated(OPERATION, charge)
    return _placed(charge, held)


def _placed(charge: Charge, held: Held) -> Placed:
    if held.outcome == "key_reused":
        raise IdempotencyKeyReused
    placed = Placed(charge, held)
    after_commit(
        logger.info,
        "hold.created",
        org_id=charge.org_id,
        user_id=charge.user_id,
        hold_id=held.hold_id,
        service_name=charge.service_name,
        credits_held=held.credits,
        remaining=held.remaining_credits,
        replayed=placed.replayed,
    )
    return placed


def capture(
    *,
    org_id: UUID,
    hold_id: UUID,
    credits: int | None = None,
    final: bool = True,
    metadata: dict[str, Any] | None = None,
    body_hash: bytes,
    origin: Origin,
) -> Captured:
    """Charge a part of a hold, or all that is left of it; a final capture gives the rest back.

    Args:
        credits: 1 to 10^15; None for all that is left.
        metadata: laid over the hold's own.
        body_hash: of the request: an identical final one answers with the first.

    Raises:
        NoSuchHold, HoldNotPending, HoldAmountExceeded: as their names say.
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions``.
    """

    def work(*, with_pool: bool) -> tuple[HoldState, Capture] | None:
        done = functions.capture_hold(
            org_id=org_id,
            hold_id=hold_id,
            credits=credits,
            final=final,
            metadata=metadata or {},
            settle_hash=body_hash,
            origin=origin,
            with_pool=with_pool,
        )
        return None if done[0].outcome == "needs_pool" else done

    return _captured(org_id, hold_id, *without_pool_first(work))


def capture_once(
    *,
    org_id: UUID,
    hold_id: UUID,
    credits: int | None,
    final: bool,
    metadata: dict[str, Any],
    body_hash: bytes,
    origin: Origin,
) -> Captured | None:
    """``capture`` at most once for the key of ``origin``, in one round trip.

    Args:
        body_hash: as in ``capture``; the request under the key is told by ``origin.body_hash``.

    Returns:
        The capture, which earlier ones of the same key are answered with as well. None when nothing was done: the
        key has to be claimed for a part that isn't the last, for a hold that another key settled, and where the pool
        is needed.

    Raises:
        IdempotencyKeyReused: the key was used with another request.
        KeyClaimed: another capture took it meanwhile: call again.
        NoSuchHold, HoldNotPending, HoldAmountExceeded: as their names say.
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions``.
    """

    def work() -> tuple[HoldState, Capture]:
        done = functions.capture_hold_once(
            org_id=org_id,
            hold_id=hold_id,
            credits=credits,
            final=final,
            metadata=metadata,
            settle_hash=body_hash,
            origin=origin,
        )
        if done[0].outcome == "needs_claim":
            raise _NeedsClaim
        return done

    try:
        try:
            state, part = call(work)
        except (HoldNotPending, HoldAmountExceeded):
            # By a capture that this one waited for: if that has the key, its row says what this one is answered.
            state, part = call(work)
    except _NeedsClaim:
        return None
    if state.outcome == "key_reused":
        raise IdempotencyKeyReused
    if state.outcome == "answered":
        return Captured(org_id, hold_id, state, part)
    return _captured(org_id, hold_id, state, part)


class _NeedsClaim(Exception):
    """Gives up the locks of the look, inside a caller's transaction too."""


def _captured(org_id: UUID, hold_id: UUID, state: HoldState, part: Capture) -> Captured:
    captured = Captured(org_id, hold_id, state, part)
    if not captured.replayed:
        after_commit(metrics.captured, part.credits_used)
    after_commit(
        logger.info,
        "hold.captured",
        org_id=org_id,
        user_id=state.user_id,
        hold_id=hold_id,
        status=state.status,
        service_name=state.service_name,
        credits_deducted=part.credits_used,
        overage_credits=part.overage_credits or None,
        remaining=part.remaining_credits,
        usage_id=part.usage_id,
        replayed=captured.replayed,
    )
    return captured


def release(*, org_id: UUID, hold_id: UUID, body_hash: bytes, origin: Origin) -> Released:
    """Give back what a hold still reserves.

    Raises:
        NoSuchHold, HoldNotPending: as their names say.
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions``.
    """

    def work(*, with_pool: bool) -> HoldState | None:
        state = functions.release_hold(
            org_id=org_id,
            hold_id=hold_id,
            settle_hash=body_hash,
            origin=origin,
            with_pool=with_pool,
        )
        return None if state.outcome == "needs_pool" else state

    def work_of_a_person(*, with_pool: bool) -> HoldState | None:
        with transaction.atomic():
            state = work(with_pool=with_pool)
            if state is not None and state.outcome == "released":
                _tell_released(org_id, hold_id, state, origin)
            return state

    # A service gives its own holds back all day, in one round trip; a person's word is worth an entry.
    by_person = origin.actor.startswith("user:")
    state = without_pool_first(work_of_a_person if by_person else work)
    released = Released(_hold(org_id, hold_id, state), state.outcome == "replayed")
    if not released.replayed:
        after_commit(metrics.RELEASED.inc)
    after_commit(
        logger.info,
        "hold.released",
        org_id=org_id,
        user_id=state.user_id,
        hold_id=hold_id,
        service_name=state.service_name,
        credits_released=state.credits - state.captured_credits,
        replayed=released.replayed,
    )
    return released


def _tell_released(org_id: UUID, hold_id: UUID, state: HoldState, origin: Origin) -> None:
    AuditLogEntry.objects.record_origin(
        AuditAction.HOLD_RELEASED,
        actor=origin.actor,
        request_id=origin.request_id,
        org_id=org_id,
        subject_user_id=state.user_id,
        subject=f"Hold for {state.service_name}"[:255],
        after={
            "hold_id": hold_id,
            "held_credits": state.credits,
            "captured_credits": state.captured_credits,
        },
    )


def _hold(org_id: UUID, hold_id: UUID, state: HoldState) -> Hold:
    return Hold(
        id=hold_id,
        org_id=org_id,
        user_id=state.user_id,
        allocation_id=state.allocation_id,
        credits=state.credits,
        captured_credits=state.captured_credits,
        status=state.status,
        service_name=state.service_name,
        expires_at=state.expires_at,
        created_at=state.created_at,
    )
