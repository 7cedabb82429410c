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
    SUBSCRIPTION_ACTIVATED = "subscription_activated", "Subscription activated"
    SUBSCRIPTION_RENEWED = "subscription_renewed", "Subscription renewed"
    SUBSCRIPTION_PAUSED = "subscription_paused", "Subscription paused"
    SUBSCRIPTION_RESUMED = "subscription_resumed", "Subscription resumed"
    PAYMENT_OVERDUE = "payment_overdue", "Payment overdue"
    SUBSCRIPTION_RECOVERED = "subscription_recovered", "Subscription recovered"
    PAYMENT_RECEIVED = "payment_received", "Payment received"
    PAYMENT_VOIDED = "payment_voided", "Payment voided"
    OVERAGE_CHARGE = "overage_charge", "Overage charge"
    POOL_SETTINGS_CHANGED = "pool_settings_changed", "Pool settings changed"
    CREDIT_GRANT = "credit_grant", "Credit grant"
    CREDIT_PURCHASE = "credit_purchase", "Credit purchase"
    IMPORTED = "imported", "Imported from another system"


#: Events of these types move credits, and say how many.
CREDIT_EVENTS: Final = (EventType.CREDIT_GRANT, EventType.CREDIT_PURCHASE)

#: Events of these types may concern no subscription: a purchase's payment, a pool without a plan.
EVENTS_WITHOUT_SUBSCRIPTION: Final = (
    EventType.PAYMENT_RECEIVED,
    EventType.PAYMENT_VOIDED,
    EventType.POOL_SETTINGS_CHANGED,
    EventType.IMPORTED,
)


class PaymentStatus(TextChoices):
    """Whether a charge of the history has been settled."""

    PENDING = "pending", "Pending"
    PAID = "paid", "Paid"
    VOID = "void", "Void"


class ProviderName(TextChoices):
    """Who collects what is owed."""

    ON_ACCOUNT = "on_account", "On account"
    STRIPE = "stripe", "Card"


#: These take the money by themselves; of the others a system admin says that it came.
COLLECTING_PROVIDERS: Final = (ProviderName.STRIPE,)


class AttemptStatus(TextChoices):
    """What became of one attempt to collect a payment.

    `started`: asked for, and the answer is not known yet. `requires_action`: the card's holder has to
    agree to it at the bank.
    """

    STARTED = "started", "Started"
    REQUIRES_ACTION = "requires_action", "Requires action"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"


#: Money may still come of these: a payment has at most one of them.
OPEN_ATTEMPTS: Final = (AttemptStatus.STARTED, AttemptStatus.REQUIRES_ACTION)


class InboxStatus(TextChoices):
    """What became of an event that a provider told us."""

    RECEIVED = "received", "Received"
    PROCESSED = "processed", "Processed"
    IGNORED = "ignored", "Ignored"
    FAILED = "failed", "Failed"


class Operation(TextChoices):
    """What an idempotency key of this app is scoped to, inside the organization.

    The last two are no requests: their keys name a period, so that no path charges it twice.
    """

    SUBSCRIBE = "subscriptions", "Subscribe"
    ADD_CREDITS = "credits/add", "Add credits"
    RENEWAL = "renewal", "Begin a paid period"
    OVERAGE = "overage", "Charge a period's overage"


class BackupKind(TextChoices):
    """What was done with a backup's file."""

    BACKUP = "backup", "Backup"
    RESTORE = "restore", "Restore"
    RESTORE_DRILL = "restore_drill", "Restore drill"


class BackupOutcome(TextChoices):
    """What became of it. `running` may also be one that was killed: nothing is left to say so."""

    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
