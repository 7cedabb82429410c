"""What the service answers, as frozen dataclasses; ids are texts, times are aware, money is Decimal."""

from __future__ import annotations

from orgbilling_client.models.billing import (
    CreditsAdded,
    HistoryEvent,
    Plan,
    PlanPrices,
    Price,
    Subscription,
)
from orgbilling_client.models.charging import (
    Captured,
    Check,
    Hold,
    Usage,
)
from orgbilling_client.models.dashboards import (
    OrganizationsPage,
    OrganizationUsed,
    OrgDashboard,
    PlanRevenue,
    Revenue,
    SystemCredits,
    SystemDashboard,
    UserDashboard,
    UserOrganization,
)
from orgbilling_client.models.health import (
    Dependencies,
    DependencyState,
    Health,
    Ready,
)
from orgbilling_client.models.organizations import (
    ApiKey,
    IssuedApiKey,
    Member,
    Organization,
)
from orgbilling_client.models.pools import (
    Allocated,
    Allocation,
    Pool,
    PoolSettings,
    Refusal,
    UserAllocations,
)
from orgbilling_client.models.reports import (
    DayUsed,
    OrgUsageReport,
    ServiceUsed,
    Summary,
    UsageGroup,
    UsageReport,
    UserUsed,
)
from orgbilling_client.models.webhooks import (
    Replayed,
    SecretWebhookEndpoint,
    WebhookAttempt,
    WebhookBody,
    WebhookDelivery,
    WebhookDeliveryDetail,
    WebhookEndpoint,
    WebhookEvent,
)

__all__ = [
    "Allocated",
    "Allocation",
    "ApiKey",
    "Captured",
    "Check",
    "CreditsAdded",
    "DayUsed",
    "Dependencies",
    "DependencyState",
    "Health",
    "HistoryEvent",
    "Hold",
    "IssuedApiKey",
    "Member",
    "OrgDashboard",
    "OrgUsageReport",
    "Organization",
    "OrganizationUsed",
    "OrganizationsPage",
    "Plan",
    "PlanPrices",
    "PlanRevenue",
    "Pool",
    "PoolSettings",
    "Price",
    "Ready",
    "Refusal",
    "Replayed",
    "Revenue",
    "SecretWebhookEndpoint",
    "ServiceUsed",
    "Subscription",
    "Summary",
    "SystemCredits",
    "SystemDashboard",
    "Usage",
    "UsageGroup",
    "UsageReport",
    "UserAllocations",
    "UserDashboard",
    "UserOrganization",
    "UserUsed",
    "WebhookAttempt",
    "WebhookBody",
    "WebhookDelivery",
    "WebhookDeliveryDetail",
    "WebhookEndpoint",
    "WebhookEvent",
]
