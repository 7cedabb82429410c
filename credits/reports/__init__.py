"""What dashboards read of the ledger: sums over usage, days by service, members, refusals."""

from credits.reports.daily import DailyUsage, Series, daily_by_service
from credits.reports.members import MemberBar, MemberPage, members, top_members
from credits.reports.refused import RefusalGroup, recent_refusals
from credits.reports.selection import Selection
from credits.reports.usage import (
    WINDOW,
    grouped_by,
    summary,
    system_totals,
    system_usage_by_day,
    top_organizations,
    usage_30_days,
)

__all__ = [
    "WINDOW",
    "DailyUsage",
    "MemberBar",
    "MemberPage",
    "RefusalGroup",
    "Selection",
    "Series",
    "daily_by_service",
    "grouped_by",
    "members",
    "recent_refusals",
    "summary",
    "system_totals",
    "system_usage_by_day",
    "top_members",
    "top_organizations",
    "usage_30_days",
]
