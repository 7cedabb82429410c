"""Charging: the ordinary path in one round trip, the other one with the pool locked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog

from credits import coalescing, metrics, refusing
from credits.errors import KeyClaimed
from credits.explaining import insufficient
from credits.functions import Charge, Charged
from credits.idempotency import Answer, run_claiming
from credits.models import Usage
from orgbilling.lib.after_commit import after_commit
from orgbilling.lib.errors import IdempotencyKeyReused, OrgBillingError
from orgbilling.lib.ids import uuid7
from orgbilling.lib.logs.each import info_each
from orgbilling.web.request_id import current_request_id

logger = structlog.stdlib.get_logger(__name__)

OPERATION = "deduct"


class Receipt(NamedTuple):
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
        OrgBillingError: what forbids the charge; nothing moved and the same key may be retried.
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions``.
    """
    try:
        outcome = _charge(charge, uuid7(at))
    except OrgBillingError as exc:
        metrics.not_charged(exc)
        raise
    # What a simulated past had is no event of today.
    if at is None:
        tell(outcome)
    return outcome


def _charge(charge: Charge, usage_id: UUID) -> Receipt | Answer:
    try:
        charged = coalescing.charge(charge, usage_id)
    except KeyClaimed:
        return _decide(charge, usage_id)
    if charged.outcome == "needs_pool":
        return _decide(charge, usage_id)
    return receipt_of(charge, charged)


def _decide(charge: Charge, usage_id: UUID) -> Receipt | Answer:
    try:
        return run_claiming(lambda: _with_pool(charge, usage_id))
    except OrgBillingError as exc:
        refusing.count(charge, exc)
        raise


def _with_pool(charge: Charge, usage_id: UUID) -> Receipt | Answer:
    charged = Usage.objects.charge_with_pool(charge, usage_id=usage_id)
    return settled(charge, charged)


def settled(charge: Charge, charged: Charged) -> Receipt | Answer:
    """What an outcome of the locked path is answered with, in the transaction that decided it.

    Raises:
        IdempotencyKeyReused: the key was used with another request.
    """
    if charged.outcome == "insufficient_credits":
        return refusing.refuse(
            OPERATION,
            charge,
            insufficient(charge, needed=charged.credits_used, remaining=charged.remaining_credits),
        )
    if charged.outcome == "refused_before":
        return refusing.repeated(OPERATION, charge)
    return receipt_of(charge, charged)


def receipt_of(charge: Charge, charged: Charged) -> Receipt:
    """The receipt of a charge that was made.

    Raises:
        IdempotencyKeyReused: the key was used with another request.
    """
    if charged.outcome == "key_reused":
        raise IdempotencyKeyReused
    return Receipt(charge, charged)


def tell(outcome: Receipt | Answer) -> None:
    """Log and count what became of a charge, once that is committed."""
    tell_all([outcome])


def tell_all(outcomes: Sequence[Receipt | Answer]) -> None:
    """Log and count what became of charges, once that is committed: one callback and one count for all."""
    after_commit(_told, outcomes, current_request_id())


def _told(outcomes: Sequence[Receipt | Answer], request_id: str) -> None:
    receipts = [one for one in outcomes if isinstance(one, Receipt)]
    made = [one.charged.credits_used for one in receipts if not one.replayed]
    metrics.ACCEPTED.inc(len(made))
    metrics.CREDITS_DEDUCTED.inc(sum(made))
    metrics.REPLAYED.inc(len(receipts) - len(made))
    metrics.REFUSED.inc(len(outcomes) - len(receipts))
    if len(receipts) == 1:
        _log(receipts[0], request_id)
    else:
        _log_each(receipts, request_id)


def _log(receipt: Receipt, request_id: str) -> None:
    charge, charged = receipt.charge, receipt.charged
    own_id = charge.origin.request_id
    logger.info(
        "credits.deducted",
        org_id=charge.org_id,
        user_id=charge.user_id,
        service_name=charge.service_name,
        credits_deducted=charged.credits_used,
        overage_credits=charged.overage_credits or None,
        remaining=charged.remaining_credits,
        usage_id=charged.usage_id,
        # The body may name the request; the line has the id of the HTTP request itself.
        charge_request_id=own_id if own_id != request_id else None,
        replayed=receipt.replayed,
    )


def _log_each(receipts: Sequence[Receipt], request_id: str) -> None:
    """The same of many, which takes a tenth of the time of each, and of one alone a third more."""
    charges = [one.charge for one in receipts]
    charged = [one.charged for one in receipts]
    own_ids = [one.origin.request_id for one in charges]
    info_each(
        logger,
        "credits.deducted",
        org_id=[one.org_id for one in charges],
        user_id=[one.user_id for one in charges],
        service_name=[one.service_name for one in charges],
        credits_deducted=[one.credits_used for one in charged],
        overage_credits=[one.overage_credits or None for one in charged],
        remaining=[one.remaining_credits for one in charged],
        usage_id=[one.usage_id for one in charged],
        charge_request_id=[own_id if own_id != request_id else None for own_id in own_ids],
        replayed=[one.replayed for one in receipts],
    )
