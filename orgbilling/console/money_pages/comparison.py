"""The plans side by side: what each costs, and what credits cost under it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing import plan_change
from billing.choices import BillingCycle
from billing.models import Plan, Subscription
from billing.plan_change import Quote
from billing.proration import period_price
from credits.models import Price
from orgbilling.console.money_pages import wording


@dataclass(frozen=True, slots=True)
class Choice:
    """A button that asks for the review of one plan and cycle."""

    label: str
    plan: str
    cycle: str
    primary: bool
    #: The form's key.
    key: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One plan's column. Amounts are written out."""

    plan: Plan
    is_current: bool
    #: Whether it follows with the next period.
    is_next: bool
    monthly: str
    yearly: str
    saving: str
    credit_price: str
    #: What the organization pays, where the catalogue has changed since it subscribed.
    own_price: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """What one of a service costs under each plan, in the columns' order: credits, 0 for none."""

    title: str
    unit: str
    credits: list[int]


def offers_of(
    subscription: Subscription | None, moment: datetime, *, may_choose: bool
) -> list[Offer]:
    """The plans that are offered, and the current one in any case, the cheapest first."""
    current = subscription.plan_id if subscription is not None else None
    plans = [plan for plan in Plan.objects.all() if plan.is_active or plan.code == current]
    return [_offer(plan, subscription, moment, may_choose=may_choose) for plan in plans]


def services_of(offers: list[Offer], moment: datetime) -> list[ServiceRow]:
    """The catalogue's services by title, with their prices now under the offers' plans."""
    rows = [
        ServiceRow(
            price.service.title,
            price.service.unit,
            [getattr(price, f"{offer.plan.code}_credits") for offer in offers],
        )
        for price in Price.objects.current(moment)
    ]
    return sorted(rows, key=lambda row: row.title)


def verb_of(quoted: Quote, subscription: Subscription, plan: Plan, cycle: str) -> str:
    """What a button says that leads to this change."""
    if plan.code == subscription.plan_id:
        return f"Switch to {BillingCycle(cycle).label.lower()}"
    return f"{'Downgrade' if quoted.waits else 'Upgrade'} to {plan.name}"


def _offer(
    plan: Plan, subscription: Subscription | None, moment: datetime, *, may_choose: bool
) -> Offer:
    is_current = subscription is not None and subscription.plan_id == plan.code
    yearly = period_price(plan.monthly_price, BillingCycle.YEARLY, plan.yearly_months)
    saving = 12 * plan.monthly_price - yearly
    return Offer(
        plan=plan,
        is_current=is_current,
        is_next=subscription is not None and subscription.scheduled_plan_id == plan.code,
        monthly=wording.price(plan.monthly_price, plan.currency, BillingCycle.MONTHLY),
        yearly=wording.price(yearly, plan.currency, BillingCycle.YEARLY),
        saving=wording.money(saving, plan.currency) if saving > 0 else "",
        credit_price=wording.money(plan.credit_price, plan.currency),
        own_price=_own_price(subscription, plan) if is_current else "",
        choices=_choices(plan, subscription, moment) if may_choose else [],
    )


def _own_price(subscription: Subscription | None, plan: Plan) -> str:
    if subscription is None or _terms(subscription) == (plan.monthly_price, plan.yearly_months):
        return ""
    cycle = subscription.billing_cycle
    return wording.price(subscription.period_price, subscription.currency, cycle)


def _terms(subscription: Subscription) -> tuple[Decimal, int]:
    return subscription.monthly_price, subscription.yearly_months


def _choices(plan: Plan, subscription: Subscription | None, moment: datetime) -> list[Choice]:
    if subscription is None:
        return [
            _choice("Subscribe monthly", plan, BillingCycle.MONTHLY, primary=True),
            _choice("Subscribe yearly", plan, BillingCycle.YEARLY, primary=False),
        ]
    cycle: str = subscription.billing_cycle
    if plan.code == subscription.plan_id:
        cycle = BillingCycle.MONTHLY if cycle == BillingCycle.YEARLY else BillingCycle.YEARLY
    quoted = plan_change.quote(subscription, plan=plan.code, billing_cycle=cycle, moment=moment)
    if not quoted.steps or _is_scheduled(subscription, plan, cycle):
        return []
    label = verb_of(quoted, subscription, plan, cycle)
    return [_choice(label, plan, cycle, primary=label.startswith("Upgrade"))]


def _is_scheduled(subscription: Subscription, plan: Plan, cycle: str) -> bool:
    if plan.code == subscription.plan_id:
        return subscription.scheduled_cycle == cycle
    return subscription.scheduled_plan_id == plan.code


def _choice(label: str, plan: Plan, cycle: str, *, primary: bool) -> Choice:
    key = str(uuid.uuid4())  # noqa: TID251 - a secret, no row's key
    return Choice(label, plan.code, cycle, primary, key)
