"""The shapes of the ledger's API: what comes in is checked, what goes out is documented."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from credits.choices import ResetPeriod
from orgbilling.web.fields import (
    CreditsField,
    MetadataField,
    QueryCharField,
    QueryDateTimeField,
    QueryUUIDField,
    StrictBooleanField,
    StrictCharField,
    StrictSerializer,
    StrictUUIDField,
)


class DeductSerializer(StrictSerializer):
    """The body of a deduction: ``credits``, charged as sent, or ``quantity``, priced by the catalogue."""

    exactly_one_of = ("credits", "quantity")

    org_id = StrictUUIDField()
    user_id = StrictUUIDField()
    service_name = StrictCharField(min_length=1, max_length=100)
    credits = CreditsField(required=False)
    quantity = CreditsField(required=False)
    service_type = StrictCharField(min_length=1, max_length=100, required=False, allow_null=True)
    request_id = StrictCharField(min_length=1, max_length=255, required=False, allow_null=True)
    metadata = MetadataField(required=False)


class AllocateSerializer(StrictSerializer):
    """The body of an allocation."""

    user_id = StrictUUIDField()
    credits = CreditsField()
    reset_period = serializers.ChoiceField(choices=ResetPeriod.choices, required=False)
    recurring = StrictBooleanField(default=True)
    notes = StrictCharField(max_length=1000, required=False, default="", allow_blank=True)


class UsageQuerySerializer(serializers.Serializer[Any]):
    """The filters of a usage listing; ``start`` is inside, ``end`` outside."""

    user_id = QueryUUIDField(required=False)
    service_name = QueryCharField(required=False, max_length=100)
    service_type = QueryCharField(required=False, max_length=100)
    start = QueryDateTimeField(required=False)
    end = QueryDateTimeField(required=False)


class PoolSerializer(serializers.Serializer[Any]):
    """An organization's pool."""

    id = serializers.UUIDField()
    org_id = serializers.UUIDField()
    org_name = serializers.CharField()
    total_credits = serializers.IntegerField()
    allocated_credits = serializers.IntegerField()
    used_credits = serializers.IntegerField()
    held_credits = serializers.IntegerField()
    available_credits = serializers.IntegerField()
    monthly_refresh_amount = serializers.IntegerField()
    last_refresh_date = serializers.DateTimeField(allow_null=True)
    next_refresh_date = serializers.DateTimeField(allow_null=True)
    allow_overage = serializers.BooleanField()
    overage_limit = serializers.IntegerField()
    overage_rate = serializers.CharField()
    overage_used = serializers.IntegerField()
    overage_used_period = serializers.IntegerField()
    lifetime_purchased_credits = serializers.IntegerField()
    lifetime_spent_amount = serializers.CharField()
    updated_at = serializers.DateTimeField()


class AllocationSerializer(serializers.Serializer[Any]):
    """What one member may spend."""

    id = serializers.UUIDField()
    org_id = serializers.UUIDField()
    org_name = serializers.CharField()
    user_id = serializers.UUIDField()
    user_email = serializers.CharField()
    user_name = serializers.CharField()
    allocated_credits = serializers.IntegerField()
    used_credits = serializers.IntegerField()
    held_credits = serializers.IntegerField()
    remaining_credits = serializers.IntegerField()
    budget_credits = serializers.IntegerField()
    lifetime_used_credits = serializers.IntegerField()
    reset_period = serializers.ChoiceField(choices=ResetPeriod.choices)
    last_reset_date = serializers.DateTimeField(allow_null=True)
    next_reset_date = serializers.DateTimeField(allow_null=True)
    is_active = serializers.BooleanField()
    allocated_by = serializers.CharField()
    notes = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class UsageSerializer(serializers.Serializer[Any]):
    """One deduction, or one refund of one."""

    id = serializers.UUIDField()
    org_id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    allocation_id = serializers.UUIDField()
    credits_used = serializers.IntegerField()
    overage_credits = serializers.IntegerField()
    service_type = serializers.CharField(allow_null=True)
    service_name = serializers.CharField()
    unit_price = serializers.IntegerField(allow_null=True)
    quantity = serializers.IntegerField(allow_null=True)
    price_version = serializers.IntegerField(allow_null=True)
    request_id = serializers.CharField()
    metadata = serializers.DictField()
    refunded_credits = serializers.IntegerField()
    refund_of = serializers.UUIDField(allow_null=True)
    hold_id = serializers.UUIDField(allow_null=True)
    remaining_credits = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class AllocatedSerializer(serializers.Serializer[Any]):
    """The answer to an allocation."""

    allocation = AllocationSerializer()
    pool = PoolSerializer()


class UserAllocationsSerializer(serializers.Serializer[Any]):
    """One person's allocations, as far as the caller may see them."""

    user_id = serializers.UUIDField()
    allocations = AllocationSerializer(many=True)


class PlanPricesSerializer(serializers.Serializer[Any]):
    """Credits for one, by plan."""

    platform = serializers.IntegerField()
    byok = serializers.IntegerField()
    hybrid = serializers.IntegerField()


class PriceSerializer(serializers.Serializer[Any]):
    """What one of a service costs."""

    service_name = serializers.CharField()
    title = serializers.CharField()
    unit = serializers.CharField()
    credits = PlanPricesSerializer()
    version = serializers.IntegerField()
    effective_from = serializers.DateTimeField()
