"""The subscription's clock: what time alone does to a subscription, and what that costs.

Under the subscription's lock everything that has come to be done is done in its order: trials end,
periods are billed and followed by the next, what was scheduled takes effect, unpaid charges make the
subscription past due and at last end it. A late call does all of it at once, each period exactly once;
a second call finds nothing to do. A period is billed by an event whose key names it, so that the unique
index refuses a second one whatever path it takes.

Periods end when they end, however late that is written. Dunning begins when it is written: nobody is
past due, or canceled for it, for days in which nobody was told.
"""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from billing import alarm, entitlement, overage
from billing.choices import EventType, Operation, PaymentStatus, SubscriptionStatus
from billing.models import BillingEvent, Payment, Subscription
from billing.periods import first_period, next_period
from billing.proration import ZERO, period_price
from credits.functions import Origin
from credits.idempotency import hash_body
from orgbilling.lib import clock
from orgbilling.web.responses import rfc3339

#: Who does what time alone does.
ACTOR: Final = "system"

Turn = Callable[[Subscription, datetime, str], None]


@transaction.atomic
def advance(
    *, org_id: uuid.UUID, subscription_id: uuid.UUID, request_id: str = "job"
) -> Subscription:
    """Lock the subscription and bring it up to now. Raises NotFound."""
    subscription = Subscription.objects.lock(org_id=org_id, subscription_id=subscription_id)
    bring_up(subscription, clock.database_now(), request_id=request_id)
    return subscription


def bring_up(subscription: Subscription, moment: datetime, *, request_id: str) -> int:
    """Do all that has come to be done by `moment`; returns how many turns were taken.

    The caller holds the subscription's lock. With a turn the pool is locked, told what may be spent,
    and the next alarm is set.
    """
    turns = 0
    while (turn := _next_turn(subscription, moment)) is not None:
        turn(subscription, moment, request_id)
        turns += 1
    if turns:
        entitlement.apply(subscription)
        alarm.set_for(subscription)
    return turns


def begin_period(
    subscription: Subscription,
    moment: datetime,
    request_id: str,
    *,
    event_type: EventType,
    start: datetime | None = None,
    status: SubscriptionStatus | None = None,
    actor: str = ACTOR,
) -> None:
    """Write a paid period with what was scheduled for it, and its charge, to be paid.

    `start`: where periods are counted from anew; None: the period that follows the current one.
    `status`: the new status; None keeps the one there is.
    """
    before = {"plan": subscription.plan_id, "billing_cycle": subscription.billing_cycle}
    values = _scheduled_terms(subscription)
    cycle = values.get("billing_cycle", subscription.billing_cycle)
    if start is None:
        anchor, end = subscription.period_anchor, subscription.current_period_end
        begins, ends = next_period(anchor, end, cycle)
    else:
        begins, ends = first_period(start, cycle)
        values["period_anchor"] = begins
    values |= {"current_period_start": begins, "current_period_end": ends}
    if status is not None:
        values["status"] = status
    Subscription.objects.change(subscription, moment=moment, **values)
    after = {"plan": subscription.plan_id, "billing_cycle": subscription.billing_cycle}
    changed = {"from": before, "to": after} if before != after else after
    _record(
        subscription,
        moment,
        _period_origin(subscription, begins, request_id, actor),
        event_type,
        amount=subscription.period_price,
        operation=Operation.RENEWAL,
        metadata=changed,
    )
    overage.follow(subscription, moment, request_id)


def next_charge(subscription: Subscription) -> Decimal | None:
    """What the next period will cost, with what is scheduled for it; None: none follows by itself."""
    resting = {SubscriptionStatus.CANCELED, SubscriptionStatus.PAUSED}
    if subscription.status in resting or subscription.cancel_at_period_end:
        return None
    terms = _scheduled_terms(subscription)
    return period_price(
        terms.get("monthly_price", subscription.monthly_price),
        terms.get("billing_cycle", subscription.billing_cycle),
        terms.get("yearly_months", subscription.yearly_months),
    )


def _next_turn(subscription: Subscription, moment: datetime) -> Turn | None:
    """What is to be done next, in the order of time; None: nothing before `moment`."""
    match subscription.status:
        case SubscriptionStatus.TRIALING:
            over = subscription.trial_ends_at is not None and subscription.trial_ends_at <= moment
            return _end_or(subscription, _activate) if over else None
        case SubscriptionStatus.ACTIVE:
            if subscription.current_period_end <= moment:
                return _end_or(subscription, _renew)
            return _fall_due if _is_overdue(subscription, moment) else None
        case SubscriptionStatus.PAST_DUE:
            return _next_turn_past_due(subscription, moment)
        case SubscriptionStatus.PAUSED:
            return _end if subscription.has_ended_by(moment) else None
    return None


def _next_turn_past_due(subscription: Subscription, moment: datetime) -> Turn | None:
    # First of all: a payment that was settled in the database must not end a subscription.
    if not _is_overdue(subscription, moment):
        return _recover
    until = subscription.past_due_until
    if until is not None and until <= min(moment, subscription.current_period_end):
        return _give_up
    if subscription.current_period_end <= moment:
        return _end_or(subscription, _renew)
    return None


def _end_or(subscription: Subscription, turn: Turn) -> Turn:
    return _end if subscription.cancel_at_period_end else turn


def _is_overdue(subscription: Subscription, moment: datetime) -> bool:
    oldest = Payment.objects.oldest_pending(subscription)
    return oldest is not None and oldest + timedelta(days=settings.PAYMENT_TERMS_DAYS) <= moment


def _activate(subscription: Subscription, moment: datetime, request_id: str) -> None:
    """The trial is over: the first paid period begins where it ended."""
    begin_period(
        subscription,
        moment,
        request_id,
        event_type=EventType.SUBSCRIPTION_ACTIVATED,
        start=subscription.trial_ends_at,
        status=SubscriptionStatus.ACTIVE,
    )


def _renew(subscription: Subscription, moment: datetime, request_id: str) -> None:
    begin_period(subscription, moment, request_id, event_type=EventType.SUBSCRIPTION_RENEWED)


def _end(subscription: Subscription, moment: datetime, request_id: str) -> None:
    """The scheduled end has passed."""
    _cancel(subscription, moment, request_id, "The scheduled end had passed.")


def _give_up(subscription: Subscription, moment: datetime, request_id: str) -> None:
    """It was past due for as long as that may be."""
    _cancel(
        subscription, moment, request_id, "Unpaid for too long.", since=subscription.past_due_until
    )


def _cancel(
    subscription: Subscription,
    moment: datetime,
    request_id: str,
    notes: str,
    *,
    since: datetime | None = None,
) -> None:
    ended = since or subscription.current_period_end
    Subscription.objects.cancel(subscription, moment=moment, since=ended)
    _record(
        subscription,
        moment,
        Origin(ACTOR, request_id),
        EventType.SUBSCRIPTION_CANCELED,
        notes=notes,
        metadata={"at": rfc3339(ended)},
    )
    overage.end(subscription, moment, request_id, ended=ended)


def _fall_due(subscription: Subscription, moment: datetime, request_id: str) -> None:
    """A charge was not paid in time."""
    Subscription.objects.change(
        subscription, moment=moment, status=SubscriptionStatus.PAST_DUE, past_due_since=moment
    )
    _record(
        subscription,
        moment,
        Origin(ACTOR, request_id),
        EventType.PAYMENT_OVERDUE,
        metadata={"canceled_at_unless_paid": rfc3339(subscription.past_due_until)},
    )


def _recover(subscription: Subscription, moment: datetime, request_id: str) -> None:
    """Nothing is overdue any more."""
    Subscription.objects.change(
        subscription, moment=moment, status=SubscriptionStatus.ACTIVE, past_due_since=None
    )
    origin = Origin(ACTOR, request_id)
    _record(subscription, moment, origin, EventType.SUBSCRIPTION_RECOVERED)


def _scheduled_terms(subscription: Subscription) -> dict[str, Any]:
    """The columns that what was scheduled changes."""
    values: dict[str, Any] = {}
    if subscription.scheduled_plan is not None:
        values |= {**subscription.scheduled_plan.terms, "scheduled_plan_id": None}
    if subscription.scheduled_cycle is not None:
        values |= {"billing_cycle": subscription.scheduled_cycle, "scheduled_cycle": None}
    return values


def _period_origin(
    subscription: Subscription, begins: datetime, request_id: str, actor: str
) -> Origin:
    key = f"{subscription.pk}:{rfc3339(begins)}"
    return Origin(actor, request_id, key, hash_body(Operation.RENEWAL, {}, {"period": key}))


def _record(
    subscription: Subscription,
    moment: datetime,
    origin: Origin,
    event_type: EventType,
    *,
    amount: Decimal = ZERO,
    **values: Any,
) -> None:
    BillingEvent.objects.record(
        org_id=subscription.org_id,
        origin=origin,
        moment=moment,
        payment=PaymentStatus.PENDING,
        subscription=subscription,
        event_type=event_type,
        amount=amount,
        currency=subscription.currency,
        period_start=subscription.current_period_start,
        period_end=subscription.current_period_end,
        **values,
    )
