"""Why a charge was refused, in words and numbers that say what would fix it."""

from __future__ import annotations

from typing import Any

from credits.errors import InsufficientCredits
from credits.functions import Charge, Charged
from credits.models import Allocation, CreditPool
from orgbilling.web.responses import rfc3339


def insufficient(charge: Charge, charged: Charged) -> InsufficientCredits:
    """The refusal of a charge that neither the allocation nor overage can pay.

    ``why`` lists the limits in the order in which they were looked at, the one that refused, by how much,
    when it resets and who can raise it.
    """
    allocation = Allocation.objects.for_display().get(org_id=charge.org_id, user_id=charge.user_id)
    pool = CreditPool.objects.get(org_id=charge.org_id)
    needed, remaining = charged.credits_used, charged.remaining_credits
    person = allocation.user.name or allocation.user.email
    evaluated: list[dict[str, Any]] = [
        {
            "limit": "allocation",
            "passed": False,
            "available": remaining,
            "needed": needed,
            "short_by": needed - remaining,
        },
        {
            "limit": "overage",
            "passed": False,
            "available": pool.overage_limit - pool.overage_used_period if pool.allow_overage else 0,
            "needed": needed - remaining,
            "allowed": pool.allow_overage,
        },
    ]
    return InsufficientCredits(
        f"{person} has {remaining} credits left in {allocation.org.display_name}; {needed} are needed.",
        requested=needed,
        remaining=remaining,
        why={
            "evaluated": evaluated,
            "refused_by": "allocation",
            "resets_at": rfc3339(allocation.next_reset_date),
            "pool_available": pool.available_credits,
            "raised_by": ["owner", "admin", "billing_admin"],
            "fix": _fix(pool, needed - remaining),
        },
    )


def _fix(pool: CreditPool, short_by: int) -> str:
    available = pool.available_credits
    if available >= short_by:
        return (
            f"Allocate at least {short_by} more credits to this member: "
            f"the pool has {available} available."
        )
    return (
        f"Add at least {short_by - available} credits to the pool, which has {available} available, "
        f"then allocate {short_by} to this member."
    )
