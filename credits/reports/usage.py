"""Sums over usage for dashboards. Every figure is net of refunds; requests count charges only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from credits.models import Allocation, CreditPool, Usage
from orgbilling.lib.clock import now

WINDOW = timedelta(days=30)
CHARGES = Q(refund_of__isnull=True)


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
    rows = Usage.objects.filter(created_at__gte=now() - WINDOW)
    if org_id is not None:
        rows = rows.filter(org_id=org_id)
    if org_ids is not None:
        rows = rows.filter(org_id__in=org_ids)
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    report = summary(rows)
    if by_user:
        report["by_user"] = grouped_by_user(rows)
    return report


def summary(rows: QuerySet[Usage]) -> dict[str, Any]:
    """Totals of usage rows, by service and by day."""
    services = _services(rows)
    return {
        "credits_used": sum(row["credits_used"] for row in services),
        "request_count": sum(row["request_count"] for row in services),
        "by_service": services,
        "by_day": _by_day(rows),
    }


def grouped_by(rows: QuerySet[Usage], group_by: str) -> list[dict[str, Any]]:
    """Sums of usage rows, one for each ``day`` (UTC), ``service`` or ``user``."""
    return _GROUPINGS[group_by](rows)


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
    return _by_day(Usage.objects.filter(created_at__gte=now() - WINDOW))


def top_organizations(limit: int = 10, since: datetime | None = None) -> list[dict[str, Any]]:
    """The organizations that used most since a moment, 30 days ago by default."""
    rows = Usage.objects.filter(created_at__gte=since or now() - WINDOW)
    named = rows.values("org_id", org_name=F("org__display_name"))
    return _grouped(named, "-credits_used", "org_id", limit=limit)


def _services(rows: QuerySet[Usage]) -> list[dict[str, Any]]:
    return _grouped(rows.values("service_name"), "-credits_used", "service_name")


def grouped_by_user(rows: QuerySet[Usage], limit: int | None = None) -> list[dict[str, Any]]:
    """Sums of usage rows by user, most used first; the first ``limit`` of them, all by default."""
    named = rows.values("user_id", user_email=F("user__email"), user_name=F("user__name"))
    return _grouped(named, "-credits_used", "user_id", limit=limit)


def _by_day(rows: QuerySet[Usage]) -> list[dict[str, Any]]:
    return _grouped(rows.values(date=TruncDate("created_at")), "date")


def _grouped(groups: Any, *order: str, limit: int | None = None) -> list[dict[str, Any]]:
    """Sums a group; PostgreSQL sums BIGINT as NUMERIC, which is made whole again here."""
    sums = groups.annotate(
        credits_used=Sum("credits_used", default=0), request_count=Count("pk", filter=CHARGES)
    )
    return [
        {**row, "credits_used": int(row["credits_used"])} for row in sums.order_by(*order)[:limit]
    ]


_GROUPINGS = {"day": _by_day, "service": _services, "user": grouped_by_user}
