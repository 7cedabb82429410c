"""What is owed for a charge has been paid, or is given up."""

import uuid
from datetime import datetime

from django.db import transaction

from billing import alarm, renewal
from billing.choices import EventType
from billing.models import BillingEvent, Payment, Subscription
from credits.functions import Origin
from orgbilling.lib import clock


@transaction.atomic
def settle(*, org_id: uuid.UUID, payment_id: uuid.UUID, origin: Origin) -> Payment:
    """Settle a pending payment; one that is paid already stays as it is.

    The event that tells of it has no amount: what was billed is billed once. With the last overdue
    payment of a subscription it is active again. Raises NotFound, and InvalidRequest for a void one.
    """
    receive(org_id=org_id, payment_id=payment_id, origin=origin)
    return Payment.objects.find(org_id=org_id, payment_id=payment_id)


@transaction.atomic
def receive(*, org_id: uuid.UUID, payment_id: uuid.UUID, origin: Origin) -> bool:
    """As `settle`; says whether it was this call that settled it."""
    subscription, moment = _lock_subscription(org_id, payment_id)
    settled: bool = Payment.objects.settle(org_id=org_id, payment_id=payment_id, moment=moment)
    if settled:
        _record(org_id, payment_id, EventType.PAYMENT_RECEIVED, moment, origin)
        _follow(subscription, moment, origin)
    return settled


@transaction.atomic
def void(*, org_id: uuid.UUID, payment_id: uuid.UUID, origin: Origin) -> Payment:
    """Give up a pending payment; one that is void already stays as it is.

    For the subscription it counts as settled. Raises NotFound, and InvalidRequest for a paid one.
    """
    subscription, moment = _lock_subscription(org_id, payment_id)
    if Payment.objects.void(org_id=org_id, payment_id=payment_id, moment=moment):
        _record(org_id, payment_id, EventType.PAYMENT_VOIDED, moment, origin)
        _follow(subscription, moment, origin)
    return Payment.objects.find(org_id=org_id, payment_id=payment_id)


def _lock_subscription(
    org_id: uuid.UUID, payment_id: uuid.UUID
) -> tuple[Subscription | None, datetime]:
    event = Payment.objects.find(org_id=org_id, payment_id=payment_id).event
    subscription = None
    if event.subscription_id is not None:
        subscription = Subscription.objects.lock(
            org_id=org_id, subscription_id=event.subscription_id
        )
    return subscription, clock.database_now()


def _record(
    org_id: uuid.UUID,
    payment_id: uuid.UUID,
    event_type: EventType,
    moment: datetime,
    origin: Origin,
) -> None:
    payment = Payment.objects.find(org_id=org_id, payment_id=payment_id)
    BillingEvent.objects.record(
        org_id=org_id,
        origin=origin,
        moment=moment,
        subscription_id=payment.event.subscription_id,
        event_type=event_type,
        currency=payment.currency,
        period_start=payment.event.period_start,
        period_end=payment.event.period_end,
        metadata={
            "payment_id": str(payment.pk),
            "event_id": str(payment.event_id),
            "amount": f"{payment.amount:.2f}",
        },
    )


def _follow(subscription: Subscription | None, moment: datetime, origin: Origin) -> None:
    if subscription is not None and not renewal.bring_up(
        subscription, moment, request_id=origin.request_id
    ):
        alarm.set_for(subscription)
