"""A charge is given back, whole or in part: a new row, bounded by what was charged."""

from __future__ import annotations

from uuid import UUID

import structlog

from credits import functions
from credits.errors import RefundExceedsUsage
from credits.functions import Origin, Refunded
from credits.models import Usage
from credits.without_pool_first import without_pool_first
from orgbilling.lib.after_commit import after_commit
from orgbilling.lib.errors import IdempotencyKeyReused
from orgbilling.lib.ids import uuid7

logger = structlog.stdlib.get_logger(__name__)


def find(usage_id: UUID) -> Usage | None:
    """The usage row of any organization."""
    return Usage.objects.filter(pk=usage_id).first()


def refund(
    *,
    org_id: UUID,
    usage_id: UUID,
    reason: str,
    origin: Origin,
    credits: int | None = None,
    own_actor: str | None = None,
) -> Usage:
    """``refund_once`` for callers to whom it is the same whether it was made before."""
    refunded, _replayed = refund_once(
        org_id=org_id,
        usage_id=usage_id,
        reason=reason,
        origin=origin,
        credits=credits,
        own_actor=own_actor,
    )
    return refunded


def refund_once(
    *,
    org_id: UUID,
    usage_id: UUID,
    reason: str,
    origin: Origin,
    credits: int | None,
    own_actor: str | None,
) -> tuple[Usage, bool]:
    """Give back credits of a charge in one round trip, at most once for the key of ``origin``, if it has one.

    Args:
        reason: kept in the row's metadata.
        credits: 1 to 10^15; None for all that was not refunded yet.
        own_actor: who has to have charged; None: whoever it was.

    Returns:
        The new row, with ``refunded_credits`` 0, and whether an earlier request with the key made it.

    Raises:
        NoSuchUsage, RefundExceedsUsage, NotYourUsage, AmountOutOfRange: as their names say.
        IdempotencyKeyReused: the key was used with another request.
        KeyClaimed: another refund took it meanwhile: call again.
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions``.
    """
    refund_id = uuid7()

    def work(*, with_pool: bool) -> Refunded | None:
        done = functions.refund_usage_once(
            org_id=org_id,
            usage_id=usage_id,
            refund_id=refund_id,
            credits=credits,
            metadata={"reason": reason},
            own_actor=own_actor,
            origin=origin,
            with_pool=with_pool,
        )
        return None if done.outcome == "needs_pool" else done

    try:
        done = without_pool_first(work)
    except RefundExceedsUsage:
        if origin.idempotency_key is None:
            raise
        # By a refund that this one waited for: if it was the same request, its row is the answer.
        done = without_pool_first(work)
    if done.outcome == "key_reused":
        raise IdempotencyKeyReused
    refunded = _row(org_id, usage_id, done)
    if done.outcome == "refunded":
        _tell(org_id, usage_id, refunded)
    return refunded, done.outcome == "answered"


def _row(org_id: UUID, usage_id: UUID, done: Refunded) -> Usage:
    refunded = Usage(
        id=done.refund_id,
        org_id=org_id,
        user_id=done.user_id,
        allocation_id=done.allocation_id,
        credits_used=done.credits_used,
        overage_credits=done.overage_credits,
        service_type=done.service_type,
        service_name=done.service_name,
        unit_price=done.unit_price,
        price_version=done.price_version,
        request_id=done.request_id,
        metadata=done.metadata,
        refund_of_id=usage_id,
        remaining_credits=done.remaining_credits,
        created_at=done.created_at,
    )
    refunded.refunded_credits = 0  # type: ignore[attr-defined]
    return refunded


def _tell(org_id: UUID, usage_id: UUID, refunded: Usage) -> None:
    after_commit(
        logger.info,
        "credits.refunded",
        org_id=org_id,
        user_id=refunded.user_id,
        service_name=refunded.service_name,
        # A refund's row is a charge of less than nothing.
        credits_refunded=-refunded.credits_used,
        usage_id=usage_id,
        refund_id=refunded.pk,
    )
