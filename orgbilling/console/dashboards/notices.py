"""What stands at the top of a dashboard: warnings with the button that mends each, and a beginner's first steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.models import Subscription
from billing.reports import Alert, Severity
from credits.models import Allocation, CreditPool
from orgbilling.console.dashboards.links import Link, link_to

#: Shown at once; the rest are a click away.
SHOWN: Final = 4
LOOKS: Final = {
    Severity.CRITICAL: ("error", "error"),
    Severity.WARNING: ("warning", "warning"),
    Severity.INFO: ("info", "info"),
}


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning: its class, its icon, its words and the button beside it."""

    css: str
    icon: str
    title: str
    detail: str
    link: Link | None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do before members can spend."""

    title: str
    detail: str
    done: bool
    link: Link | None


def warned(alerts: Sequence[Alert], org_id: UUID) -> list[Warned]:
    """Alerts as the page shows them, in their order."""
    return [
        Warned(*LOOKS[alert.severity], alert.title, alert.detail, link_to(alert.action, org_id))
        for alert in alerts
    ]


def first_steps(
    pool: CreditPool | None, subscription: Subscription | None, org_id: UUID
) -> list[Step]:
    """The three steps that let members spend, none once all were taken. At most two queries."""
    subscribed = subscription is not None or Subscription.objects.filter(org_id=org_id).exists()
    filled = pool is not None and pool.total_credits > 0
    allocated = filled and Allocation.objects.filter(org_id=org_id).exists()
    if subscribed and allocated:
        return []
    return [
        Step(
            "Subscribe to a plan",
            "A subscription lets members spend, and sets what services cost.",
            subscribed,
            link_to("subscribe", org_id),
        ),
        Step(
            "Add credits to the pool",
            "The pool belongs to the whole organization; nobody spends from it directly.",
            filled,
            link_to("add_credits", org_id),
        ),
        Step(
            "Allocate credits to members",
            "Each member spends from an allocation, which can fill up again every day, week or month.",
            allocated,
            link_to("allocate", org_id),
        ),
    ]
