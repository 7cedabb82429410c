"""What each state of a subscription lets an organization spend: one table, and who applies it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from billing.choices import SubscriptionStatus
from billing.models import Subscription
from credits.choices import FOREVER
from credits.models import CreditPool


def _trial(subscription: Subscription) -> datetime | None:
    """A trial goes on as a paid subscription by itself: only one that is told to end, ends."""
    return subscription.trial_ends_at if subscription.cancel_at_period_end else FOREVER


def _renewing(subscription: Subscription) -> datetime | None:
    """No late renewal job stops a customer; a scheduled end does, without any job."""
    return subscription.current_period_end if subscription.cancel_at_period_end else FOREVER


def _past_due(subscription: Subscription) -> datetime | None:
    """Until it would be canceled: no late job gives a customer who doesn't pay a day more."""
    until = subscription.past_due_until
    ends = _renewing(subscription)
    return ends if until is None or ends is None else min(until, ends)


def _nothing(_subscription: Subscription) -> datetime | None:
    return None


#: State -> until when its credits may be spent; None: not at all.
SPENDING_UNTIL: Final[dict[str, Callable[[Subscription], datetime | None]]] = {
    SubscriptionStatus.TRIALING: _trial,
    SubscriptionStatus.ACTIVE: _renewing,
    SubscriptionStatus.PAST_DUE: _past_due,
    SubscriptionStatus.PAUSED: _nothing,
    SubscriptionStatus.CANCELED: _nothing,
}


def spending_until(subscription: Subscription) -> datetime | None:
    """Until when the organization may spend under this subscription; None: not at all."""
    return SPENDING_UNTIL[subscription.status](subscription)


def apply(subscription: Subscription) -> None:
    """Tell the pool, and lock it, in the transaction that changed the subscription."""
    scheduled = subscription.scheduled_plan_id
    CreditPool.objects.set_entitlement(
        org_id=subscription.org_id,
        spending_until=spending_until(subscription),
        price_plan=subscription.plan_id if subscription.is_live else None,
        next_price_plan=scheduled,
        next_price_plan_at=subscription.current_period_end if scheduled is not None else None,
    )
