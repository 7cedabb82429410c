"""A subscription ends: at once, or with its period."""

import uuid
from datetime import datetime

from django.db import transaction

from billing import alarm, entitlement, overage, renewal
from billing.choices import EventType
from billing.errors import SubscriptionCanceled
from billing.models import BillingEvent, Subscription
from credits.functions import Origin
from orgbilling.lib import clock


@transaction.atomic
def cancel(*, org_id: uuid.UUID, subscription_id: uuid.UUID, origin: Origin) -> Subscription:
    """End the subscription now: nothing can be spent from the commit on.

    One whose end has passed, although nobody has written so yet, ended then. Raises NotFound and SubscriptionCanceled.
    """
    subscription, moment = _brought_up(org_id, subscription_id, origin)
    if subscription.is_live:
        Subscription.objects.cancel(subscription, moment=moment)
        _record(subscription, EventType.SUBSCRIPTION_CANCELED, moment, origin)
        overage.end(subscription, moment, origin.request_id, ended=moment)
        entitlement.apply(subscription)
    return subscription


@transaction.atomic
def set_at_period_end(
    *, org_id: uuid.UUID, subscription_id: uuid.UUID, ends: bool, origin: Origin
) -> Subscription:
    """Schedule the end of the subscription for the end of its period, or take that back.

    Asking for what is so already does nothing. Raises NotFound and SubscriptionCanceled (also once
    the scheduled end has passed: it can't be taken back any more).
    """
    subscription, moment = _brought_up(org_id, subscription_id, origin)
    if not subscription.is_live:
        raise SubscriptionCanceled
    if subscription.cancel_at_period_end != ends:
        Subscription.objects.change(subscription, moment=moment, cancel_at_period_end=ends)
        event_type = EventType.CANCELLATION_SCHEDULED if ends else EventType.CANCELLATION_UNDONE
        _record(subscription, event_type, moment, origin)
        entitlement.apply(subscription)
        alarm.set_for(subscription)
    return subscription


def _brought_up(
    org_id: uuid.UUID, subscription_id: uuid.UUID, origin: Origin
) -> tuple[Subscription, datetime]:
    """The subscription as it is now, whatever job is late, unless it was canceled before."""
    subscription = Subscription.objects.lock(org_id=org_id, subscription_id=subscription_id)
    if not subscription.is_live:
        raise SubscriptionCanceled
    moment = clock.database_now()
    renewal.bring_up(subscription, moment, request_id=origin.request_id)
    return subscription, moment


def _record(
    subscription: Subscription, event_type: EventType, moment: datetime, origin: Origin
) -> None:
    BillingEvent.objects.record(
        org_id=subscription.org_id,
        origin=origin,
        moment=moment,
        subscription=subscription,
        event_type=event_type,
        currency=subscription.currency,
        period_start=subscription.current_period_start,
        period_end=subscription.current_period_end,
    )
