"""What the dashboards show."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from orgbilling_client.models.billing import HistoryEvent, Subscription
from orgbilling_client.models.organizations import Organization
from orgbilling_client.models.pools import Allocation, Pool
from orgbilling_client.models.reports import DayUsed, OrgUsageReport, UsageReport


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgDashboard:
    """An organization's dashboard."""

    organization: Organization
    subscription: Subscription | None
    credit_pool: Pool | None
    allocations: tuple[Allocation, ...]
    usage_30_days: OrgUsageReport
    recent_events: tuple[HistoryEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserOrganization:
    """A person's place in an organization."""

    org_id: str
    org_name: str
    role: str
    subscription_plan: str | None
    allocation: Allocation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDashboard:
    """A person's dashboard."""

    user_id: str
    email: str
    organizations: tuple[UserOrganization, ...]
    usage_30_days: UsageReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Revenue:
    """Recurring revenue, monthly and annual."""

    mrr: Decimal
    arr: Decimal
    active_subscriptions: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRevenue:
    """One plan's part of the recurring revenue."""

    plan: str
    count: int
    mrr: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationUsed:
    """What one organization used."""

    org_id: str
    org_name: str
    credits_used: int
    request_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCredits:
    """The credits of all organizations."""

    total: int
    allocated: int
    used: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationsPage:
    """A page of organizations."""

    results: tuple[Organization, ...]
    next: str | None
    previous: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemDashboard:
    """The system's dashboard."""

    organizations: OrganizationsPage
    revenue: Revenue
    plans: tuple[PlanRevenue, ...]
    top_organizations: tuple[OrganizationUsed, ...]
    credits: SystemCredits
    usage_by_day: tuple[DayUsed, ...]
