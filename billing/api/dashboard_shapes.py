"""The shapes of the dashboards, with an example of each."""

from typing import Any, Final

from rest_framework import serializers

from billing.api import examples
from billing.api.serializers import HistoryEventSerializer, SubscriptionSerializer
from billing.choices import PlanCode
from credits.api.examples import ALLOCATION, ORG_ID, POOL, USER_ID
from credits.api.serializers import AllocationSerializer, PoolSerializer
from organizations.api.serializers import ORGANIZATION_EXAMPLE, OrganizationSerializer
from organizations.choices import Role


class ServiceUsedSerializer(serializers.Serializer[Any]):
    """What one service used."""

    service_name = serializers.CharField()
    credits_used = serializers.IntegerField()
    request_count = serializers.IntegerField()


class DayUsedSerializer(serializers.Serializer[Any]):
    """What one day (UTC) used."""

    date = serializers.DateField()
    credits_used = serializers.IntegerField()
    request_count = serializers.IntegerField()


class UserUsedSerializer(serializers.Serializer[Any]):
    """What one person used."""

    user_id = serializers.UUIDField()
    user_email = serializers.CharField()
    user_name = serializers.CharField(allow_blank=True)
    credits_used = serializers.IntegerField()
    request_count = serializers.IntegerField()


class OrganizationUsedSerializer(serializers.Serializer[Any]):
    """What one organization used."""

    org_id = serializers.UUIDField()
    org_name = serializers.CharField()
    credits_used = serializers.IntegerField()
    request_count = serializers.IntegerField()


class UsageReportSerializer(serializers.Serializer[Any]):
    """The usage of the last 30 days, net of refunds."""

    credits_used = serializers.IntegerField()
    request_count = serializers.IntegerField()
    by_service = ServiceUsedSerializer(many=True)
    by_day = DayUsedSerializer(many=True)


class OrgUsageReportSerializer(UsageReportSerializer):
    """The same, by person too."""

    by_user = UserUsedSerializer(many=True)


class UserOrganizationSerializer(serializers.Serializer[Any]):
    """A person's place in an organization."""

    org_id = serializers.UUIDField()
    org_name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    subscription_plan = serializers.ChoiceField(choices=PlanCode.choices, allow_null=True)
    allocation = AllocationSerializer(allow_null=True)


class UserDashboardSerializer(serializers.Serializer[Any]):
    """A person's dashboard."""

    user_id = serializers.UUIDField()
    email = serializers.CharField()
    organizations = UserOrganizationSerializer(many=True)
    usage_30_days = UsageReportSerializer()


class OrgDashboardSerializer(serializers.Serializer[Any]):
    """An organization's dashboard."""

    organization = OrganizationSerializer()
    subscription = SubscriptionSerializer(allow_null=True)
    credit_pool = PoolSerializer(allow_null=True)
    allocations = AllocationSerializer(many=True)
    usage_30_days = OrgUsageReportSerializer()
    recent_events = HistoryEventSerializer(many=True)


class OrganizationsPageSerializer(serializers.Serializer[Any]):
    """A page of organizations."""

    results = OrganizationSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class RevenueSerializer(serializers.Serializer[Any]):
    """Recurring revenue, monthly and annual."""

    mrr = serializers.CharField()
    arr = serializers.CharField()
    active_subscriptions = serializers.IntegerField()
    currency = serializers.CharField()


class PlanRevenueSerializer(serializers.Serializer[Any]):
    """One plan's part of the recurring revenue."""

    plan = serializers.ChoiceField(choices=PlanCode.choices)
    count = serializers.IntegerField()
    mrr = serializers.CharField()


class SystemCreditsSerializer(serializers.Serializer[Any]):
    """The credits of all organizations."""

    total = serializers.IntegerField()
    allocated = serializers.IntegerField()
    used = serializers.IntegerField()
    available = serializers.IntegerField()


class SystemDashboardSerializer(serializers.Serializer[Any]):
    """The system's dashboard."""

    organizations = OrganizationsPageSerializer()
    revenue = RevenueSerializer()
    plans = PlanRevenueSerializer(many=True)
    top_organizations = OrganizationUsedSerializer(many=True)
    credits = SystemCreditsSerializer()
    usage_by_day = DayUsedSerializer(many=True)


_USED: Final = {"credits_used": 50, "request_count": 1}
_BY_DAY: Final = [{"date": "2026-11-22", **_USED}]
_REPORT: Final[dict[str, Any]] = {
    **_USED,
    "by_service": [{"service_name": "company_enrichment", **_USED}],
    "by_day": _BY_DAY,
}

USER_DASHBOARD: Final[dict[str, Any]] = {
    "user_id": USER_ID,
    "email": "alice@alpha.example",
    "organizations": [
        {
            "org_id": ORG_ID,
            "org_name": "Test Org Alpha",
            "role": "owner",
            "subscription_plan": "platform",
            "allocation": ALLOCATION,
        }
    ],
    "usage_30_days": _REPORT,
}

ORG_DASHBOARD: Final[dict[str, Any]] = {
    "organization": ORGANIZATION_EXAMPLE,
    "subscription": examples.SUBSCRIPTION,
    "credit_pool": POOL,
    "allocations": [ALLOCATION],
    "usage_30_days": {
        **_REPORT,
        "by_user": [
            {
                "user_id": USER_ID,
                "user_email": "alice@alpha.example",
                "user_name": "Alice",
                **_USED,
            }
        ],
    },
    "recent_events": [examples.EVENT],
}

SYSTEM_DASHBOARD: Final[dict[str, Any]] = {
    "organizations": {"results": [ORGANIZATION_EXAMPLE], "next": None, "previous": None},
    "revenue": {"mrr": "50.00", "arr": "600.00", "active_subscriptions": 1, "currency": "USD"},
    "plans": [
        {"plan": "byok", "count": 0, "mrr": "0.00"},
        {"plan": "hybrid", "count": 0, "mrr": "0.00"},
        {"plan": "platform", "count": 1, "mrr": "50.00"},
    ],
    "top_organizations": [{"org_id": ORG_ID, "org_name": "Test Org Alpha", **_USED}],
    "credits": {"total": 10000, "allocated": 1000, "used": 50, "available": 9000},
    "usage_by_day": _BY_DAY,
}
