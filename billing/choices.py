"""Closed sets of values of the billing app."""

from typing import Final

from django.db.models import TextChoices

#: Every amount is in this one currency, so that sums over organizations mean something.
CURRENCY: Final = "USD"


class PlanCode(TextChoices):
    """The plans that can be subscribed to."""

    PLATFORM = "platform", "Platform"
    BYOK = "byok", "BYOK"
    HYBRID = "hybrid", "Hybrid"


class BillingCycle(TextChoices):
    """How long a paid period is."""

    MONTHLY = "monthly", "Monthly"
    YEARLY = "yearly", "Yearly"


#: Calendar months in one period.
CYCLE_MONTHS: Final[dict[str, int]] = {BillingCycle.MONTHLY: 1, BillingCycle.YEARLY: 12}


class SubscriptionStatus(TextChoices):
    """Where a subscription is in its life."""

    TRIALING = "trialing", "Trialing"
    ACTIVE = "active", "Active"
    PAST_DUE = "past_due", "Past due"
    PAUSED = "paused", "Paused"
    CANCELED = "canceled", "Canceled"


#: An organization has at most one subscription in these states.
LIVE_STATUSES: Final = (
    SubscriptionStatus.TRIALING,
    SubscriptionStatus.ACTIVE,
    SubscriptionStatus.PAST_DUE,
    SubscriptionStatus.PAUSED,
)

#: Subscriptions in these states count as recurring revenue.
REVENUE_STATUSES: Final = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)


class EventType(TextChoices):
    """What a row of the billing history says happened."""

    SUBSCRIPTION_CREATED = "subscription_created", "Subscription created"
    SUBSCRIPTION_UPGRADED = "subscription_upgraded", "Subscription upgraded"
    DOWNGRADE_SCHEDULED = "downgrade_scheduled", "Downgrade scheduled"
    BILLING_CYCLE_CHANGED = "billing_cycle_changed", "Billing cycle changed"
    CYCLE_CHANGE_SCHEDULED = "cycle_change_scheduled", "Cycle change scheduled"
    SCHEDULE_CLEARED = "schedule_cleared", "Scheduled change cleared"
    CANCELLATION_SCHEDULED = "cancellation_scheduled", "Cancellation scheduled"
    CANCELLATION_UNDONE = "cancellation_undone", "Cancellation undone"
    SUBSCRIPTION_CANCELED = "subscription_canceled", "Subscription canceled"
    CREDIT_GRANT = "credit_grant", "Credit grant"
    CREDIT_PURCHASE = "credit_purchase", "Credit purchase"


class PaymentStatus(TextChoices):
    """Whether a charge of the history has been settled."""

    PENDING = "pending", "Pending"
    PAID = "paid", "Paid"
    VOID = "void", "Void"


class Operation(TextChoices):
    """What an idempotency key of this app is scoped to, inside the organization."""

    SUBSCRIBE = "subscriptions", "Subscribe"
    ADD_CREDITS = "credits/add", "Add credits"
