"""The shapes of the ledger's API: what comes in is checked, what goes out is documented."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from credits.choices import HoldStatus, ResetPeriod
from orgbilling.web.fields import (
    CreditsField,
    MetadataField,
    QueryCharField,
    QueryDateTimeField,
    QueryUUIDField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
)
from orgbilling.web.openapi import ProblemSerializer

TTL_SECONDS_MAX = 86_400
TTL_SECONDS_DEFAULT = 900
ITEMS_MAX = 1_000


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


class HoldOrderSerializer(DeductSerializer):
    """The body of a hold: a deduction's, and how many seconds the credits stay reserved."""

    ttl_seconds = StrictIntegerField(
        min_value=1, max_value=TTL_SECONDS_MAX, default=TTL_SECONDS_DEFAULT
    )


@extend_schema_field(
    {
        "type": "array",
        "minItems": 1,
        "maxItems": ITEMS_MAX,
        "items": {"$ref": "#/components/schemas/DeductRequest"},
    }
)
class ItemsField(serializers.ListField):
    """1 to 1,000 deductions, each looked at by itself later: one that is malformed is its own result."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_length": 1, "max_length": ITEMS_MAX, **kwargs})

    def run_child_validation(self, data: list[Any]) -> list[Any]:
        """Pass every item on as it came."""
        return data


class DeductBatchSerializer(StrictSerializer):
    """The body of a batch."""

    items = ItemsField()
    atomic = StrictBooleanField(default=False)


class CaptureSerializer(StrictSerializer):
    """The body of a capture."""

    org_id = StrictUUIDField(required=False)
    credits = CreditsField(required=False)
    final = StrictBooleanField(default=True)
    metadata = MetadataField(required=False)


class ReleaseSerializer(StrictSerializer):
    """The body of a release."""

    org_id = StrictUUIDField(required=False)


class RefundSerializer(StrictSerializer):
    """The body of a refund."""

    org_id = StrictUUIDField(required=False)
    credits = CreditsField(required=False)
    reason = StrictCharField(min_length=1, max_length=1000)


class CheckSerializer(StrictSerializer):
    """The body of a check: ``credits``, or ``quantity`` of a service of the catalogue."""

    exactly_one_of = ("credits", "quantity")
    needed_with = {"quantity": ("service_name",)}

    org_id = StrictUUIDField()
    user_id = StrictUUIDField()
    service_name = StrictCharField(min_length=1, max_length=100, required=False)
    credits = CreditsField(required=False)
    quantity = CreditsField(required=False)


class ReclaimSerializer(StrictSerializer):
    """The body of a reclaim."""

    user_id = StrictUUIDField()
    credits = CreditsField(required=False)
    notes = StrictCharField(max_length=1000, required=False, default="", allow_blank=True)


class AllocateSerializer(StrictSerializer):
    """The body of an allocation."""

    user_id = StrictUUIDField()
    credits = CreditsField()
    reset_period = serializers.ChoiceField(choices=ResetPeriod.choices, required=False)
    recurring = StrictBooleanField(default=True)
    notes = StrictCharField(max_length=1000, required=False, default="", allow_blank=True)


class PoolQuerySerializer(serializers.Serializer[Any]):
    """The instant of which a pool's balances are asked for."""

    at = QueryDateTimeField(required=False)


class UsageQuerySerializer(serializers.Serializer[Any]):
    """The filters of a usage listing; ``start`` is inside, ``end`` outside."""

    user_id = QueryUUIDField(required=False)
    service_name = QueryCharField(required=False, max_length=100)
    service_type = QueryCharField(required=False, max_length=100)
    start = QueryDateTimeField(required=False)
    end = QueryDateTimeField(required=False)


class SummaryQuerySerializer(UsageQuerySerializer):
    """The filters of a summary, and what it is grouped by."""

    group_by = serializers.ChoiceField(choices=("day", "service", "user"), default="day")


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


class HoldSerializer(serializers.Serializer[Any]):
    """Credits that are reserved, or were."""

    id = serializers.UUIDField()
    org_id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    allocation_id = serializers.UUIDField()
    credits = serializers.IntegerField()
    captured_credits = serializers.IntegerField()
    status = serializers.ChoiceField(choices=HoldStatus.choices)
    service_name = serializers.CharField()
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


class CapturedSerializer(serializers.Serializer[Any]):
    """The answer to a capture."""

    hold = HoldSerializer()
    usage = UsageSerializer()


class BatchResultSerializer(serializers.Serializer[Any]):
    """What became of one item."""

    status = serializers.IntegerField(help_text="The HTTP status that it would have had alone.")
    usage = UsageSerializer(required=False)
    error = ProblemSerializer(required=False)


class BatchResultsSerializer(serializers.Serializer[Any]):
    """What became of a batch, in the order sent."""

    results = BatchResultSerializer(many=True)
    deducted = serializers.IntegerField()
    failed = serializers.IntegerField()


class UsageGroupSerializer(serializers.Serializer[Any]):
    """The usage of one day, service or user."""

    date = serializers.DateField(required=False)
    service_name = serializers.CharField(required=False)
    user_id = serializers.UUIDField(required=False)
    user_email = serializers.CharField(required=False)
    user_name = serializers.CharField(required=False)
    credits_used = serializers.IntegerField(help_text="Net of refunds.")
    request_count = serializers.IntegerField()


class SummarySerializer(serializers.Serializer[Any]):
    """Usage, summed up."""

    group_by = serializers.ChoiceField(choices=("day", "service", "user"))
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    credits_used = serializers.IntegerField(help_text="Net of refunds.")
    request_count = serializers.IntegerField()
    groups = UsageGroupSerializer(many=True)


class RefusalSerializer(serializers.Serializer[Any]):
    """One person's refusals of one service for one reason on one day."""

    id = serializers.UUIDField()
    org_id = serializers.UUIDField()
    day = serializers.DateField()
    user_id = serializers.UUIDField(allow_null=True)
    service_name = serializers.CharField(allow_null=True)
    code = serializers.CharField()
    refused_by = serializers.CharField()
    count = serializers.IntegerField()
    requested_credits = serializers.IntegerField(allow_null=True)
    remaining_credits = serializers.IntegerField(allow_null=True)
    request_id = serializers.CharField()
    actor = serializers.CharField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()


class VerdictSerializer(serializers.Serializer[Any]):
    """Whether a charge would pass, and why not."""

    sufficient = serializers.BooleanField()
    credits = serializers.IntegerField(help_text="What it would cost.")
    remaining_credits = serializers.IntegerField(help_text="What the member has left now.")
    why = serializers.DictField(help_text="The limits looked at, in order, and which one refuses.")


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
