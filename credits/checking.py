"""Asking before acting: what a charge would cost and whether it would pass, writing nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from credits.explaining import evaluate, why


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a charge would pass now.

    Attributes:
        credits: what it would cost.
        remaining_credits: what the member could spend, before the charge.
        why: the limits that were looked at, as in a refusal.
    """

    sufficient: bool
    credits: int
    remaining_credits: int
    why: dict[str, Any]


def check(
    *,
    org_id: UUID,
    user_id: UUID,
    credits: int | None = None,
    quantity: int | None = None,
    service_name: str | None = None,
) -> Verdict:
    """Price a charge and say whether it would pass; what time has brought counts, applied or not.

    Args:
        credits, quantity: exactly one, 1 to 10^15; a quantity is priced by the catalogue.
        service_name: needed with a quantity.

    Raises:
        NotFound, NoCreditPool, NotAMember, NoAllocation, UnknownService, AmountOutOfRange: it can't be said.
    """
    evaluation = evaluate(
        org_id, user_id, credits=credits, quantity=quantity, service_name=service_name
    )
    return Verdict(
        sufficient=evaluation.refused_by is None,
        credits=evaluation.needed or 0,
        remaining_credits=evaluation.remaining,
        why=why(evaluation),
    )
