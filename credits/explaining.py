"""Why a charge was refused, or would be, in words and numbers that say what would fix it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from credits import functions
from credits.errors import (
    RAISED_BY,
    AllocationInactive,
    InsufficientCredits,
    SubscriptionInactive,
    UnknownService,
)
from credits.functions import Charge, Evaluation
from credits.models import Allocation
from organizations.errors import OrganizationSuspended
from orgbilling.lib.errors import LimitReached
from orgbilling.web.responses import rfc3339

#: Whose error says who can change a limit other than the credits themselves, and how.
_ERRORS: dict[str, type[LimitReached]] = {
    "organization": OrganizationSuspended,
    "allocation_active": AllocationInactive,
    "subscription": SubscriptionInactive,
    "price": UnknownService,
}


def insufficient(charge: Charge, *, needed: int, remaining: int) -> InsufficientCredits:
    """The refusal of a charge or a hold that neither the allocation nor overage can pay.

    Args:
        needed, remaining: the credits that it was decided by, under the locks that the caller still holds. In a batch
            later items may have spent since.
    """
    allocation = Allocation.objects.select_related("org", "user").get(
        org_id=charge.org_id, user_id=charge.user_id
    )
    now = evaluate(
        charge.org_id,
        charge.user_id,
        credits=charge.credits,
        quantity=charge.quantity,
        service_name=charge.service_name,
    )
    evaluation = replace(now, needed=needed, remaining=remaining, refused_by="allocation")
    person = allocation.user.name or allocation.user.email
    return InsufficientCredits(
        f"{person} has {remaining} credits left in {allocation.org.display_name}; "
        f"{needed} are needed.",
        requested=needed,
        remaining=remaining,
        why=why(evaluation),
    )


def evaluate(
    org_id: UUID,
    user_id: UUID,
    *,
    credits: int | None,
    quantity: int | None,
    service_name: str | None,
) -> Evaluation:
    """What would become of a charge now; see ``functions.evaluate_charge`` for the errors."""
    return functions.evaluate_charge(
        org_id, user_id, credits=credits, quantity=quantity, service_name=service_name
    )


def why(evaluation: Evaluation) -> dict[str, Any]:
    """The limits in the order in which they are looked at, which one refuses, by how much, and who can change it."""
    evaluated = _limits(evaluation)
    refused_by = evaluation.refused_by
    explained: dict[str, Any] = {
        "evaluated": evaluated,
        "refused_by": refused_by,
        "resets_at": rfc3339(evaluation.resets_at),
        "pool_available": evaluation.available,
        "raised_by": [],
        "fix": None,
    }
    if refused_by == "allocation":
        explained |= {"raised_by": list(RAISED_BY), "fix": _fix(evaluation)}
    elif refused_by is not None:
        error = _ERRORS[refused_by]
        explained |= {"raised_by": list(error.raised_by), "fix": error.fix}
    return explained


def _limits(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Every limit up to the one that decides: what refuses is the last that is looked at."""
    needed, remaining = evaluation.needed or 0, evaluation.remaining
    short_by = max(0, needed - remaining)
    gates = [
        {"limit": "organization", "passed": not evaluation.suspended},
        {"limit": "membership", "passed": True},
        {"limit": "allocation_active", "passed": evaluation.active},
        {"limit": "subscription", "passed": evaluation.entitled},
    ]
    for place, gate in enumerate(gates, start=1):
        if not gate["passed"]:
            return gates[:place]
    limits: list[dict[str, Any]] = [*gates]
    if evaluation.unit_price is not None:
        limits.append({"limit": "price", "passed": True, "unit_price": evaluation.unit_price})
    limits.append(
        {
            "limit": "allocation",
            "passed": short_by == 0,
            "available": remaining,
            "needed": needed,
            "short_by": short_by,
        }
    )
    if short_by > 0:
        limits.append(
            {
                "limit": "overage",
                "passed": evaluation.refused_by is None,
                "allowed": evaluation.overage_allowed,
                "available": evaluation.overage_room,
                "needed": short_by,
                # Overage is for when nobody could help: the pool's own credits come first.
                "pool_can_pay": evaluation.available >= short_by,
            }
        )
    return limits


def _fix(evaluation: Evaluation) -> str:
    short_by = (evaluation.needed or 0) - evaluation.remaining
    available = evaluation.available
    if available >= short_by:
        return (
            f"Allocate at least {short_by} more credits to this member: "
            f"the pool has {available} available."
        )
    return (
        f"Add at least {short_by - available} credits to the pool, which has {available} available, "
        f"then allocate {short_by} to this member."
    )
