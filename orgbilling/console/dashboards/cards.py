"""The cards of an organization's dashboard: its plan, its pool, its chart, an allocation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from billing.choices import BillingCycle, SubscriptionStatus
from billing.models import Subscription
from billing.proration import period_price
from credits.choices import ResetPeriod
from credits.models import CreditPool
from credits.reports import DailyUsage
from orgbilling.console.charts import Chart, Part, bar, stacked
from orgbilling.console.credit_pages.wording import money_of
from orgbilling.lib.clock import now

BADGES: Final = {
    SubscriptionStatus.TRIALING: "accent",
    SubscriptionStatus.ACTIVE: "good",
    SubscriptionStatus.PAST_DUE: "bad",
    SubscriptionStatus.PAUSED: "warn",
    SubscriptionStatus.CANCELED: "warn",
}
EVERY: Final = {
    ResetPeriod.DAILY: "every day",
    ResetPeriod.WEEKLY: "every week",
    ResetPeriod.MONTHLY: "every month",
    ResetPeriod.NEVER: "never",
}
A_PERIOD: Final = {BillingCycle.MONTHLY: "a month", BillingCycle.YEARLY: "a year"}


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a card; a moment is shown in the page's time zone."""

    label: str
    value: str | datetime


@dataclass(frozen=True, slots=True)
class PlanCard:
    """The subscription in short: plan, state and its badge, price, and what comes next."""

    plan: str
    status: str
    badge: str
    price: str
    facts: list[Fact]


@dataclass(frozen=True, slots=True)
class Gauge:
    """The pool: figures, and the parts of the total as a bar. `over`: credits drawn beyond the total."""

    total: int
    allocated: int
    used: int
    held: int
    available: int
    over: int
    bar: tuple[Part, ...]


def service(name: str) -> str:
    """A service's name as people read it."""
    return name.replace("_", " ")


def plan_card(subscription: Subscription) -> PlanCard:
    """Of a live subscription."""
    status = SubscriptionStatus(subscription.status)
    cycle = BillingCycle(subscription.billing_cycle)
    return PlanCard(
        plan=subscription.plan.name,
        status=status.label,
        badge=BADGES[status],
        price=f"{money_of(subscription.period_price, subscription.currency)} {A_PERIOD[cycle]}",
        facts=[*_trial(subscription), *_next(subscription)],
    )


def _trial(subscription: Subscription) -> list[Fact]:
    end = subscription.trial_ends_at
    if not subscription.is_trialing or end is None:
        return [Fact("Period began", subscription.current_period_start)]
    days = max(0, -((now() - end) // timedelta(days=1)))
    return [Fact("Trial days left", str(days))]


def _next(subscription: Subscription) -> list[Fact]:
    """When it ends or what is charged next, and what changes then."""
    trial_end = subscription.trial_ends_at if subscription.is_trialing else None
    moment = trial_end or subscription.current_period_end
    if subscription.cancel_at_period_end:
        return [Fact("Ends", moment)]
    if subscription.status == SubscriptionStatus.PAUSED:
        return [Fact("Period ends", moment)]
    amount = money_of(_next_price(subscription), subscription.currency)
    facts = [Fact("Next charge", moment), Fact("Amount", amount)]
    if subscription.scheduled_plan is not None:
        facts.append(Fact("Changes then to", subscription.scheduled_plan.name))
    if subscription.scheduled_cycle is not None:
        facts.append(Fact("Billed then", BillingCycle(subscription.scheduled_cycle).label.lower()))
    return facts


def _next_price(subscription: Subscription) -> Decimal:
    """What the next period costs, with what is scheduled for it."""
    priced = subscription.scheduled_plan or subscription
    cycle = subscription.scheduled_cycle or subscription.billing_cycle
    return period_price(priced.monthly_price, cycle, priced.yearly_months)


def gauge_of(pool: CreditPool) -> Gauge:
    """The pool as ``CreditPool.objects.of`` reads it: total = used + held + with members + available - overage."""
    totals: dict[str, Any] = vars(pool)
    used, held = int(totals["used_credits"]), int(totals["held_credits"])
    allocated, available = pool.current_allocated_credits, pool.current_available_credits
    over = pool.current_overage_used
    parts = (
        ("ob-fill-used", "Used", used - over),
        ("ob-fill-held", "Held", held),
        ("ob-fill-allocated", "With members, unspent", allocated - used - held + over),
        ("ob-fill-available", "Available", available),
    )
    return Gauge(pool.total_credits, allocated, used, held, available, over, bar(parts))


def usage_chart(usage: DailyUsage) -> Chart:
    """Usage by day as columns, a part for each service."""
    days = [f"{day.day} {day:%b}" for day in usage.days]
    names = [(service(one.service_name), one.credits) for one in usage.series]
    return stacked(days, names)


def allocation_bar(used: int, held: int, remaining: int) -> tuple[Part, ...]:
    """What became of one member's credits."""
    return bar(
        (
            ("ob-fill-used", "Used", used),
            ("ob-fill-held", "Held", held),
            ("ob-fill-available", "Left", remaining),
        )
    )
