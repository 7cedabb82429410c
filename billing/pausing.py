"""A subscription rests: nothing can be spent, no period follows, nothing is billed."""

import uuid
from datetime import datetime

from django.db import transaction

from billing import alarm, entitlement, renewal
from billing.choices import EventType, SubscriptionStatus
from billing.errors import SubscriptionCanceled
from billing.models import BillingEvent, Subscription
from billing.periods import whole_second
from credits.functions import Origin
from orgbilling.lib import clock
from orgbilling.lib.errors import InvalidRequest


@transaction.atomic
def pause(*, org_id: uuid.UUID, subscription_id: uuid.UUID, origin: Origin) -> Subscription:
    """Pause an active subscription; a paused one stays as it is.

    The period that is paid for goes on to pass. Raises NotFound, SubscriptionCanceled, and
    InvalidRequest in a trial or with an overdue payment, which a pause must not hide.
    """
    subscription, moment = _locked(org_id, subscription_id, origin)
    if subscription.status == SubscriptionStatus.PAUSED:
        return subscription
    if subscription.status != SubscriptionStatus.ACTIVE:
        raise InvalidRequest("status", f"It is {subscription.status}: only active ones are paused.")
    Subscription.objects.change(subscription, moment=moment, status=SubscriptionStatus.PAUSED)
    _record(subscription, EventType.SUBSCRIPTION_PAUSED, moment, origin)
    return _follow(subscription)


@transaction.atomic
def resume(*, org_id: uuid.UUID, subscription_id: uuid.UUID, origin: Origin) -> Subscription:
    """Make a paused subscription active; one that isn't paused stays as it is.

    Within the period that was paid for nothing is charged. After it a new period begins now, with its
    price, to be paid. Raises NotFound and SubscriptionCanceled.
    """
    subscription, moment = _locked(org_id, subscription_id, origin)
    if subscription.status != SubscriptionStatus.PAUSED:
        return subscription
    if subscription.current_period_end > moment:
        Subscription.objects.change(subscription, moment=moment, status=SubscriptionStatus.ACTIVE)
        _record(subscription, EventType.SUBSCRIPTION_RESUMED, moment, origin)
    else:
        renewal.begin_period(
            subscription,
            moment,
            origin.request_id,
            event_type=EventType.SUBSCRIPTION_RESUMED,
            start=whole_second(moment),
            status=SubscriptionStatus.ACTIVE,
            actor=origin.actor,
        )
    return _follow(subscription)


def _locked(
    org_id: uuid.UUID, subscription_id: uuid.UUID, origin: Origin
) -> tuple[Subscription, datetime]:
    subscription = Subscription.objects.lock(org_id=org_id, subscription_id=subscription_id)
    moment = clock.database_now()
    renewal.bring_up(subscription, moment, request_id=origin.request_id)
    if not subscription.is_live:
        raise SubscriptionCanceled
    return subscription, moment


def _follow(subscription: Subscription) -> Subscription:
    entitlement.apply(subscription)
    alarm.set_for(subscription)
    return subscription


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
