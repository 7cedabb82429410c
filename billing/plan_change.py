"""A subscription moves to another plan or another billing cycle.

What costs more acts at once and is charged for what is left of the period; what costs less waits
for the period's end, so that nothing that was paid for is lost.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from billing import alarm, entitlement, overage, renewal
from billing.choices import BillingCycle, EventType, PaymentStatus
from billing.errors import ChargeRisen, SubscriptionCanceled
from billing.models import BillingEvent, Plan, Subscription
from billing.periods import first_period, whole_second
from billing.proration import ZERO, Remainder, period_price, restart_charge, upgrade_charge
from credits.functions import Origin
from orgbilling.lib import clock


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a change does: the columns it writes and the event that tells of it."""

    event_type: EventType
    values: dict[str, Any]
    amount: Decimal = ZERO
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a change does, and what it costs; nothing to do when there are no steps."""

    steps: tuple[Step, ...]

    @property
    def amount(self) -> Decimal:
        """What is charged at once."""
        return sum((step.amount for step in self.steps), ZERO)

    @property
    def waits(self) -> bool:
        """Whether something of it takes effect with the period's end."""
        return any(step.event_type in SCHEDULING for step in self.steps)

    @property
    def begins_a_period(self) -> bool:
        """Whether the current period ends with it: what was drawn over the pool is billed with it too."""
        return any("current_period_start" in step.values for step in self.steps)


#: Steps that do nothing yet but say what the next period will be.
SCHEDULING: Final = (EventType.DOWNGRADE_SCHEDULED, EventType.CYCLE_CHANGE_SCHEDULED)


@transaction.atomic
def change(
    *,
    org_id: uuid.UUID,
    subscription_id: uuid.UUID,
    plan: str | None,
    billing_cycle: str | None,
    origin: Origin,
    at_most: Decimal | None = None,
) -> Subscription:
    """Change the plan, the cycle or both; None leaves one as it is.

    What time has done meanwhile comes first, so that it decides by the period that it is now.
    Asking for what the subscription has clears a scheduled change of it. Asking for what is
    scheduled already does nothing. `at_most`: the charge that somebody agreed to; None for any.
    Raises NotFound, SubscriptionCanceled, InvalidRequest for a plan that isn't offered, and
    ChargeRisen when it costs more than was agreed to.
    """
    subscription = Subscription.objects.lock(org_id=org_id, subscription_id=subscription_id)
    moment = clock.database_now()
    renewal.bring_up(subscription, moment, request_id=origin.request_id)
    quoted = quote(subscription, plan=plan, billing_cycle=billing_cycle, moment=moment)
    if at_most is not None and quoted.amount > at_most:
        raise ChargeRisen(quoted.amount, at_most)
    began = subscription.current_period_start
    for step in quoted.steps:
        _take(subscription, step, moment, origin)
    if subscription.current_period_start != began:
        overage.restart(subscription, moment)
    if quoted.steps:
        overage.follow(subscription, moment, origin.request_id)
        entitlement.apply(subscription)
        alarm.set_for(subscription)
    return subscription


def quote(
    subscription: Subscription, *, plan: str | None, billing_cycle: str | None, moment: datetime
) -> Quote:
    """What `change` does with the subscription at that moment, to the cent; writes nothing.

    The subscription is to be as it is at the moment: brought up to it. Raises SubscriptionCanceled, and
    InvalidRequest for a plan that isn't offered.
    """
    if not subscription.is_live:
        raise SubscriptionCanceled
    target = subscription.plan
    if plan is not None and plan != subscription.plan_id:
        target = Plan.objects.choose(plan)
    steps = _clearances(subscription, plan, billing_cycle)
    steps += _steps(subscription, target, billing_cycle or subscription.billing_cycle, moment)
    return Quote(tuple(steps))


def _clearances(subscription: Subscription, plan: str | None, cycle: str | None) -> list[Step]:
    """What is given up by asking for the plan or the cycle that the subscription has."""
    values: dict[str, Any] = {}
    if plan == subscription.plan_id and subscription.scheduled_plan_id is not None:
        values["scheduled_plan_id"] = None
    if cycle == subscription.billing_cycle and subscription.scheduled_cycle is not None:
        values["scheduled_cycle"] = None
    if not values:
        return []
    cleared = {
        "scheduled_plan": subscription.scheduled_plan_id,
        "scheduled_cycle": subscription.scheduled_cycle,
    }
    return [Step(EventType.SCHEDULE_CLEARED, values, metadata={"from": cleared})]


def _steps(subscription: Subscription, target: Plan, cycle: str, moment: datetime) -> list[Step]:
    if target.monthly_price < subscription.plan.monthly_price:
        return _scheduled_downgrade(subscription, target, cycle)
    upgrading = target.code != subscription.plan_id
    lengthening = cycle == BillingCycle.YEARLY and cycle != subscription.billing_cycle
    steps = []
    if lengthening:
        steps.append(_restart(subscription, target, cycle, moment))
    elif upgrading:
        steps.append(_upgrade(subscription, target, moment))
    if cycle == BillingCycle.MONTHLY:
        steps += _scheduled_cycle(subscription, cycle)
    return steps


def _scheduled_downgrade(subscription: Subscription, target: Plan, cycle: str) -> list[Step]:
    # A longer cycle asked for together with a cheaper plan waits with it: a year of the dear plan
    # is not what was asked for.
    values: dict[str, Any] = {"scheduled_plan_id": target.code}
    if cycle != subscription.billing_cycle:
        values["scheduled_cycle"] = cycle
    if all(getattr(subscription, name) == value for name, value in values.items()):
        return []
    return [
        Step(
            EventType.DOWNGRADE_SCHEDULED,
            values,
            metadata={**_from_to(subscription, target, cycle), "at": _text_end(subscription)},
        )
    ]


def _scheduled_cycle(subscription: Subscription, cycle: str) -> list[Step]:
    if cycle in {subscription.billing_cycle, subscription.scheduled_cycle}:
        return []
    return [
        Step(
            EventType.CYCLE_CHANGE_SCHEDULED,
            {"scheduled_cycle": cycle},
            metadata={"to": {"billing_cycle": cycle}, "at": _text_end(subscription)},
        )
    ]


def _upgrade(subscription: Subscription, target: Plan, moment: datetime) -> Step:
    """The dearer plan for the rest of the period."""
    cycle = subscription.billing_cycle
    rest = _rest(subscription, moment)
    old = subscription.period_price
    new = period_price(target.monthly_price, cycle, target.yearly_months)
    return Step(
        EventType.SUBSCRIPTION_UPGRADED,
        _of_plan(target),
        amount=ZERO if subscription.is_trialing else upgrade_charge(old, new, rest),
        metadata=_from_to(subscription, target, cycle) | _arithmetic(old, new, rest),
    )


def _restart(subscription: Subscription, target: Plan, cycle: str, moment: datetime) -> Step:
    """A year that begins now, less the unused part of the month; in a trial, when it is over."""
    upgrading = target.code != subscription.plan_id
    monthly = target.monthly_price if upgrading else subscription.monthly_price
    months = target.yearly_months if upgrading else subscription.yearly_months
    rest = _rest(subscription, moment)
    old, new = subscription.period_price, period_price(monthly, cycle, months)
    values: dict[str, Any] = {"billing_cycle": cycle, "scheduled_cycle": None}
    if upgrading:
        values |= _of_plan(target)
    amount = ZERO
    if not subscription.is_trialing:
        start, end = first_period(whole_second(moment), cycle)
        values |= {
            "period_anchor": start,
            "current_period_start": start,
            "current_period_end": end,
        }
        amount = restart_charge(old, new, rest)
    return Step(
        EventType.SUBSCRIPTION_UPGRADED if upgrading else EventType.BILLING_CYCLE_CHANGED,
        values,
        amount=amount,
        metadata=_from_to(subscription, target, cycle) | _arithmetic(old, new, rest),
    )


def _of_plan(target: Plan) -> dict[str, Any]:
    return {**target.terms, "scheduled_plan_id": None}


def _rest(subscription: Subscription, moment: datetime) -> Remainder:
    return Remainder.of(
        subscription.current_period_start, subscription.current_period_end, whole_second(moment)
    )


def _from_to(subscription: Subscription, target: Plan, cycle: str) -> dict[str, Any]:
    return {
        "from": {"plan": subscription.plan_id, "billing_cycle": subscription.billing_cycle},
        "to": {"plan": target.code, "billing_cycle": cycle},
    }


def _arithmetic(old: Decimal, new: Decimal, rest: Remainder) -> dict[str, Any]:
    """What the charge was computed from, so that it can be checked from the history alone."""
    return {
        "old_period_price": f"{old:.2f}",
        "new_period_price": f"{new:.2f}",
        "remaining_seconds": rest.remaining_seconds,
        "period_seconds": rest.period_seconds,
    }


def _text_end(subscription: Subscription) -> str:
    return subscription.current_period_end.isoformat().replace("+00:00", "Z")


def _take(subscription: Subscription, step: Step, moment: datetime, origin: Origin) -> None:
    charged = step.amount > 0
    Subscription.objects.change(subscription, moment=moment, **step.values)
    BillingEvent.objects.record(
        org_id=subscription.org_id,
        origin=origin,
        moment=moment,
        payment=PaymentStatus.PENDING,
        subscription=subscription,
        event_type=step.event_type,
        amount=step.amount,
        currency=subscription.currency,
        period_start=whole_second(moment) if charged else subscription.current_period_start,
        period_end=subscription.current_period_end,
        metadata=step.metadata,
    )
