"""Sums over usage for dashboards. Every figure is net of refunds; requests count charges only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Sum

from credits.models import Allocation, CreditPool
from credits.reports.selection import Selection
from orgbilling.lib.clock import now

WINDOW = timedelta(days=30)


def usage_30_days(
    *,
    org_id: UUID | None = None,
    org_ids: Collection[UUID] | None = None,
    user_id: UUID | None = None,
    by_user: bool = False,
) -> dict[str, Any]:
    """What was used in the last 30 days, by service and by day (UTC), and by user when asked.

    Args:
        org_id: one organization only.
        org_ids: these organizations only.
        user_id: one person only.
    """
    of = (org_id,) if org_id is not None else None if org_ids is None else tuple(org_ids)
    usage = Selection(now() - WINDOW, org_ids=of, user_id=user_id)
    report = summary(usage)
    if by_user:
        report["by_user"] = usage.by_user()
    return report


def summary(usage: Selection) -> dict[str, Any]:
    """Totals of usage, by service and by day."""
    services = usage.by_service()
    return {
        "credits_used": sum(row["credits_used"] for row in services),
        "request_count": sum(row["request_count"] for row in services),
        "by_service": services,
        "by_day": usage.by_day(),
    }


def grouped_by(usage: Selection, group_by: str) -> list[dict[str, Any]]:
    """Sums of usage, one for each ``day`` (UTC), ``service`` or ``user``."""
    return _GROUPINGS[group_by](usage)


def system_totals() -> dict[str, int]:
    """The credits of all organizations together."""
    pools = CreditPool.objects.aggregate(
        total=Sum("total_credits", default=0),
        allocated=Sum("allocated_credits", default=0),
        available=Sum("available_credits", default=0),
    )
    used = Allocation.objects.aggregate(used=Sum("lifetime_used_credits", default=0))["used"]
    return {
        "total": int(pools["total"]),
        "allocated": int(pools["allocated"]),
        "used": int(used),
        "available": int(pools["available"]),
    }


def system_usage_by_day() -> list[dict[str, Any]]:
    """The last 30 days of all organizations, by day (UTC)."""
    return Selection(now() - WINDOW).by_day()


def top_organizations(limit: int = 10, since: datetime | None = None) -> list[dict[str, Any]]:
    """The organizations that used most since a moment, 30 days ago by default."""
    return Selection(since or now() - WINDOW).by_organization(limit)


_GROUPINGS = {"day": Selection.by_day, "service": Selection.by_service, "user": Selection.by_user}
