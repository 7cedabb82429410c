"""What a plain member sees of their organization: their own credits, and who can give them more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Case, Value, When

from credits import reports
from credits.choices import ResetPeriod
from credits.models import Allocation, Usage
from organizations.access import BILLING, Principal
from organizations.choices import Role
from organizations.models import Member, Organization
from orgbilling.console.charts import Part
from orgbilling.console.dashboards import cards, refused

CHARGES_SHOWN: Final = 10
REFUSALS_SHOWN: Final = 5
HELPERS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Charge:
    """A line of the last charges; `credits` is below zero in a refund."""

    at: datetime
    service: str
    credits: int
    left: int
    is_refund: bool


def member_context(organization: Organization, principal: Principal) -> dict[str, Any]:
    """The member's own rows only. Seven queries."""
    user_id = principal.actor_user_id
    if user_id is None:
        message = "A dashboard is for people."
        raise TypeError(message)
    org_id = organization.pk
    own = (
        Allocation.objects.for_display()
        .filter(org_id=org_id, user_id=user_id, is_active=True)
        .first()
    )
    usage = reports.daily_by_service(org_id, zone=organization.timezone, user_id=user_id)
    charges = Usage.objects.filter(org_id=org_id, user_id=user_id).order_by("-created_at", "-id")
    refusals = reports.recent_refusals(org_id, limit=REFUSALS_SHOWN, user_id=user_id)
    return {
        "own": own,
        "own_bar": _bar(own),
        "every": cards.EVERY[ResetPeriod(own.reset_period)] if own is not None else "",
        "chart": cards.usage_chart(usage),
        "charges": [_charge(row) for row in charges[:CHARGES_SHOWN]],
        "refusals": [refused.in_words(group, org_id) for group in refusals],
        "helpers": _helpers(organization),
    }


def _charge(row: Usage) -> Charge:
    return Charge(
        at=row.created_at,
        service=cards.service(row.service_name),
        credits=row.credits_used,
        left=row.remaining_credits,
        is_refund=row.refund_of_id is not None,
    )


def _bar(own: Allocation | None) -> tuple[Part, ...]:
    if own is None:
        return ()
    return cards.allocation_bar(
        own.used_credits, own.current_held_credits, own.current_remaining_credits
    )


def _helpers(organization: Organization) -> list[str]:
    """Who can allocate credits, owners first: a few names."""
    rank = Case(
        When(role=Role.OWNER, then=Value(0)), When(role=Role.ADMIN, then=Value(1)), default=Value(2)
    )
    rows = (
        Member.objects.filter(org=organization, role__in=BILLING, user__is_active=True)
        .select_related("user")
        .order_by(rank, "joined_at", "pk")[:HELPERS_SHOWN]
    )
    return [f"{row.user.get_full_name()} ({Role(row.role).label.lower()})" for row in rows]
