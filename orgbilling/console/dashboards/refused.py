"""Refusals in words: what happened, what would fix it, and the button that does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from credits.reports import RefusalGroup
from orgbilling.console.dashboards import cards
from orgbilling.console.dashboards.links import Link, link_to

#: Code -> what would fix it, the action of a billing role that does.
FIXES: Final = {
    "insufficient_credits": ("Allocate more credits.", "allocate"),
    "no_allocation": ("Allocate credits for the first time.", "allocate"),
    "allocation_inactive": ("Allocate credits again.", "allocate"),
    "not_a_member": ("Add the person to the organization.", "members"),
    "subscription_inactive": (
        "Subscribe to a plan, or settle what paused the subscription.",
        "subscribe",
    ),
    "organization_suspended": ("A system admin has to reactivate the organization.", "contact"),
    "unknown_service": (
        "The caller has to name a service of the price list, or state credits.",
        "",
    ),
}


@dataclass(frozen=True, slots=True)
class Refused:
    """Refusals of one person, service and reason."""

    who: str
    service: str
    count: int
    last_at: datetime
    why: str
    fix: str
    link: Link | None


def in_words(group: RefusalGroup, org_id: UUID) -> Refused:
    """The group as a dashboard tells it."""
    fix, action = FIXES.get(group.code, ("", ""))
    if action == "allocate":
        action = f"allocate:{group.user_id}" if group.user_id is not None else action
    return Refused(
        who=_who(group),
        service=cards.service(group.service_name) or "Several services",
        count=group.count,
        last_at=group.last_at,
        why=_why(group),
        fix=fix,
        link=link_to(action, org_id),
    )


def _who(group: RefusalGroup) -> str:
    if group.user_id is None:
        return "Several people"
    return group.name or group.email or "Somebody unknown"


def _why(group: RefusalGroup) -> str:
    asked, left = group.requested_credits, group.remaining_credits
    if asked is None or left is None:
        return group.reason
    return f"{group.reason}: {asked:,} asked for, {left:,} left"
