"""The queries of the dashboards, by the functions that the console's pages and the API's dashboards call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from billing.reports import ledger_health, organization_alerts, system
from credits import reports
from credits.models import CreditPool, Usage

HISTORY_ROWS: Final = 50
ORG_MEMBERS: Final = 10
ORG_TOP: Final = 5

Queries = Mapping[str, Callable[[], Any]]


def org_queries(org_id: UUID) -> Queries:
    """What an organization's dashboard reads: the console's page, and what the API's adds."""
    return {
        "pool": lambda: CreditPool.objects.with_totals().filter(org_id=org_id).first(),
        "alerts": lambda: list(organization_alerts(org_id)),
        "members": lambda: reports.members(org_id, order="need", limit=ORG_MEMBERS),
        "usage_by_day": lambda: reports.daily_by_service(org_id, zone="UTC"),
        "refusals": lambda: reports.recent_refusals(org_id),
        "top_members": lambda: reports.top_members(org_id, ORG_TOP),
        "usage_30_days": lambda: reports.usage_30_days(org_id=org_id, by_user=True),
    }


def system_queries() -> Queries:
    """What the system's dashboard reads: the console's page, and what the API's adds."""
    return {
        "revenue": system.revenue,
        "subscriptions": system.subscriptions_by_plan_and_status,
        "credits": system.system_credits,
        "top_organizations": lambda: reports.top_organizations(system.TOP_ORGANIZATIONS),
        "past_due": system.past_due,
        "usage_by_day": lambda: reports.daily_by_service(None, system.DAYS),
        "sign_ups": system.sign_ups,
        "ledger_health": ledger_health,
        "api_totals": reports.system_totals,
        "api_usage_by_day": reports.system_usage_by_day,
    }


def history_queries(org_id: UUID) -> Queries:
    """The newest usage of an organization, as the API pages it."""
    rows = Usage.objects.with_refunds().filter(org_id=org_id).order_by("-created_at", "-id")
    return {"newest": lambda: list(rows[:HISTORY_ROWS])}


VIEWS: Final[dict[str, Callable[[UUID], Queries]]] = {
    "org": org_queries,
    "system": lambda _org_id: system_queries(),
    "history": history_queries,
}
