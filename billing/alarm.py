"""The alarm of a subscription's clock: a job for the next moment at which something is to be done."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from billing.choices import SubscriptionStatus
from billing.models import Payment, Subscription
from orgbilling.lib.jobs import defer_once

#: The task that rings; named here and not imported, because it calls what sets the alarm.
TASK: Final = "billing.advance_subscription"


def turning_point(subscription: Subscription) -> datetime | None:
    """The next moment at which time alone changes the subscription; None: it never does."""
    if subscription.status == SubscriptionStatus.CANCELED:
        return None
    if subscription.status == SubscriptionStatus.PAUSED:
        return subscription.current_period_end if subscription.cancel_at_period_end else None
    moments = [subscription.current_period_end]
    if subscription.past_due_until is not None:
        moments.append(subscription.past_due_until)
    if subscription.status == SubscriptionStatus.ACTIVE:
        oldest = Payment.objects.oldest_pending(subscription)
        if oldest is not None:
            moments.append(oldest + timedelta(days=settings.PAYMENT_TERMS_DAYS))
    return min(moments)


def set_for(subscription: Subscription) -> None:
    """Set the alarm in the transaction that changed the subscription.

    Each turning point has a job of its own: one that moved leaves an alarm that finds nothing to do.
    """
    at = turning_point(subscription)
    if at is not None:
        defer_once(
            TASK,
            key=f"{TASK}:{subscription.pk}:{at.isoformat()}",
            at=at,
            org_id=str(subscription.org_id),
            subscription_id=str(subscription.pk),
        )
