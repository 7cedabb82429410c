"""Charging: the ordinary path in one round trip, the other one with the pool locked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from credits.errors import InsufficientCredits, KeyClaimed
from credits.explaining import insufficient
from credits.functions import Charge, Charged
from credits.idempotency import Answer, replay
from credits.models import StoredAnswer, Usage
from orgbilling.lib.errors import IdempotencyKeyReused
from orgbilling.lib.ids import uuid7
from orgbilling.lib.transactions import call, run
from orgbilling.web.errors import problem_of
from orgbilling.web.responses import encode

OPERATION = "deduct"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A charge that was made, now or by an earlier request with the same key."""

    charge: Charge
    charged: Charged

    @property
    def replayed(self) -> bool:
        """Whether an earlier request made it."""
        return self.charged.outcome == "replayed"


def deduct(charge: Charge, *, at: datetime | None = None) -> Receipt | Answer:
    """Charge a member's allocation, at most once for a key.

    Args:
        charge: who pays whom for what.
        at: the moment that the usage row's id carries, under a simulated clock.

    Returns:
        The receipt, or the answer of a refusal (402), which is final for the key.

    Raises:
        IdempotencyKeyReused: the key was used with another request.
        OrgBillingError: what forbids the charge; nothing is stored and the same key may be retried.
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions``.
    """
    usage_id = uuid7(at)
    try:
        charged = call(lambda: Usage.objects.charge(charge, usage_id=usage_id))
    except KeyClaimed:
        return _decide(charge, usage_id)
    if charged.outcome == "needs_pool":
        return _decide(charge, usage_id)
    return _receipt(charge, charged)


def _decide(charge: Charge, usage_id: UUID) -> Receipt | Answer:
    try:
        return run(lambda: _with_pool(charge, usage_id))
    except KeyClaimed:
        # Another member's charge took the key between the look and the insert, and has committed:
        # a second look finds it.
        return run(lambda: _with_pool(charge, usage_id))


def _with_pool(charge: Charge, usage_id: UUID) -> Receipt | Answer:
    charged = Usage.objects.charge_with_pool(charge, usage_id=usage_id)
    if charged.outcome == "insufficient_credits":
        return _refuse(charge, insufficient(charge, charged))
    if charged.outcome == "refused_before":
        origin = charge.origin
        stored = StoredAnswer.objects.get(
            org_id=charge.org_id, operation=OPERATION, key=origin.idempotency_key
        )
        return replay(stored, origin.body_hash or b"")
    return _receipt(charge, charged)


def _receipt(charge: Charge, charged: Charged) -> Receipt:
    if charged.outcome == "key_reused":
        raise IdempotencyKeyReused
    return Receipt(charge, charged)


def _refuse(charge: Charge, error: InsufficientCredits) -> Answer:
    """Store the refusal in the transaction that decided it."""
    status, document = problem_of(error)
    body = encode(document)
    origin = charge.origin
    if origin.idempotency_key is not None and origin.body_hash is not None:
        owner: dict[str, Any] = {
            "org_id": charge.org_id,
            "operation": OPERATION,
            "key": origin.idempotency_key,
        }
        StoredAnswer.objects.claim(**owner, body_hash=origin.body_hash)
        StoredAnswer.objects.settle(**owner, status=status, body=body.decode(), final=False)
    return Answer(status, body)
