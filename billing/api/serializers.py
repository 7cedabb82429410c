"""The shapes of the billing API: what comes in is checked, what goes out is documented."""

from typing import Any

from rest_framework import serializers

from billing.choices import (
    CURRENCY,
    BillingCycle,
    EventType,
    PaymentStatus,
    PlanCode,
    SubscriptionStatus,
)
from orgbilling.web.fields import (
    CreditsField,
    MoneyField,
    QueryDateTimeField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
)

TRIAL_DAYS_MAX = 90


class SubscribeSerializer(StrictSerializer):
    """The body of a new subscription; `monthly_price` from a system admin only."""

    org_id = StrictUUIDField()
    subscription_plan = serializers.ChoiceField(choices=PlanCode.choices)
    billing_cycle = serializers.ChoiceField(
        choices=BillingCycle.choices, default=BillingCycle.MONTHLY
    )
    trial_days = StrictIntegerField(min_value=0, max_value=TRIAL_DAYS_MAX, default=0)
    monthly_price = MoneyField(required=False)


class SubscriptionChangeSerializer(StrictSerializer):
    """The body of a change: any of its fields; what is left out stays as it is."""

    subscription_plan = serializers.ChoiceField(choices=PlanCode.choices, required=False)
    billing_cycle = serializers.ChoiceField(choices=BillingCycle.choices, required=False)
    cancel_at_period_end = StrictBooleanField(required=False)


class CancelQuerySerializer(serializers.Serializer[Any]):
    """How a subscription is canceled."""

    at_period_end = serializers.ChoiceField(choices=("true", "false"), default="false")


class AddCreditsSerializer(StrictSerializer):
    """The body of a grant or a purchase of credits."""

    credits = CreditsField()
    purchase_amount = MoneyField(required=False)
    currency = serializers.ChoiceField(choices=(CURRENCY,), required=False)
    reference = StrictCharField(max_length=200, required=False, default="", allow_blank=True)
    notes = StrictCharField(max_length=1000, required=False, default="", allow_blank=True)


class HistoryQuerySerializer(serializers.Serializer[Any]):
    """The filters of the history; `start` is inside, `end` outside."""

    event_type = serializers.ChoiceField(choices=EventType.choices, required=False)
    start = QueryDateTimeField(required=False)
    end = QueryDateTimeField(required=False)


class PlanSerializer(serializers.Serializer[Any]):
    """A plan that can be subscribed to."""

    code = serializers.ChoiceField(choices=PlanCode.choices)
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    monthly_price = serializers.CharField()
    yearly_price = serializers.CharField()
    credit_price = serializers.CharField()
    currency = serializers.CharField()
    overage_ceiling = serializers.IntegerField()


class SubscriptionSerializer(serializers.Serializer[Any]):
    """An organization's subscription."""

    id = serializers.UUIDField()
    org_id = serializers.UUIDField()
    org_name = serializers.CharField()
    subscription_plan = serializers.ChoiceField(choices=PlanCode.choices)
    monthly_price = serializers.CharField()
    currency = serializers.CharField()
    billing_cycle = serializers.ChoiceField(choices=BillingCycle.choices)
    status = serializers.ChoiceField(choices=SubscriptionStatus.choices)
    trial_ends_at = serializers.DateTimeField(allow_null=True)
    current_period_start = serializers.DateTimeField()
    current_period_end = serializers.DateTimeField()
    cancel_at_period_end = serializers.BooleanField()
    scheduled_plan = serializers.ChoiceField(choices=PlanCode.choices, allow_null=True)
    canceled_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class HistoryEventSerializer(serializers.Serializer[Any]):
    """One event of the billing history."""

    id = serializers.UUIDField()
    org_id = serializers.UUIDField()
    subscription_id = serializers.UUIDField(allow_null=True)
    event_type = serializers.ChoiceField(choices=EventType.choices)
    amount = serializers.CharField()
    currency = serializers.CharField()
    credits = serializers.IntegerField(allow_null=True)
    payment_status = serializers.ChoiceField(choices=PaymentStatus.choices, allow_null=True)
    period_start = serializers.DateTimeField(allow_null=True)
    period_end = serializers.DateTimeField(allow_null=True)
    actor = serializers.CharField()
    notes = serializers.CharField(allow_blank=True)
    metadata = serializers.DictField()
    created_at = serializers.DateTimeField()
