"""Subscriptions, credits bought or granted, the history, the dashboards, the catalogues."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from orgbilling_client.calls import BASE, Answer, Call, Id, given, keyed, once, read, segment
from orgbilling_client.models.billing import CreditsAdded, HistoryEvent, Plan, Price, Subscription
from orgbilling_client.models.dashboards import OrgDashboard, SystemDashboard, UserDashboard
from orgbilling_client.models.pools import PoolSettings
from orgbilling_client.paging import PAGE_SIZE_MAX, Page, pages
from orgbilling_client.parsing import parse
from orgbilling_client.requests import pools

SUBSCRIPTIONS: Final = f"{BASE}/subscriptions"
PlanName = Literal["platform", "byok", "hybrid"]
BillingCycle = Literal["monthly", "yearly"]
Money = Decimal | str


class Unchanged:
    """Stands for a setting that is left as it is, where None switches it off."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged()


def add_credits(
    org_id: str,
    credits: int,
    *,
    purchase_amount: Money | None,
    currency: str | None,
    reference: str | None,
    notes: str | None,
    key: str | None,
) -> Call[CreditsAdded]:
    """Add credits to a pool, granted or bought."""
    body = given(
        credits=credits,
        purchase_amount=money(purchase_amount),
        currency=currency,
        reference=reference,
        notes=notes,
    )
    return keyed(f"{pools.of(org_id)}/add", _credits_added, body, key)


def change_settings(org_id: str, changes: dict[str, object]) -> Call[PoolSettings]:
    """Change a pool's settings: those that are given."""
    body = {name: value for name, value in changes.items() if not isinstance(value, Unchanged)}
    path = f"{pools.of(org_id)}/settings"
    return once("PATCH", path, lambda answer: parse(PoolSettings, answer.document), body)


def subscribe(
    org_id: str,
    plan: PlanName,
    *,
    billing_cycle: BillingCycle | None,
    trial_days: int | None,
    monthly_price: Money | None,
    key: str | None,
) -> Call[Subscription]:
    """Begin a subscription."""
    body = given(
        org_id=org_id,
        subscription_plan=plan,
        billing_cycle=billing_cycle,
        trial_days=trial_days,
        monthly_price=money(monthly_price),
    )
    return keyed(SUBSCRIPTIONS, _subscription, body, key)


def subscription(subscription_id: Id) -> Call[Subscription]:
    """Look at a subscription."""
    return read(_of(subscription_id), _subscription)


def subscriptions(org_id: str, page_size: int) -> Call[Page[Subscription]]:
    """List an organization's subscriptions."""
    path = f"{SUBSCRIPTIONS}/org/{segment('org_id', org_id)}"
    return pages(path, Subscription, {}, page_size)


def change_subscription(
    subscription_id: Id,
    *,
    plan: PlanName | None,
    billing_cycle: BillingCycle | None,
    cancel_at_period_end: bool | None,
) -> Call[Subscription]:
    """Change plan, cycle, or whether it ends with the period."""
    body = given(
        subscription_plan=plan,
        billing_cycle=billing_cycle,
        cancel_at_period_end=cancel_at_period_end,
    )
    return once("PATCH", _of(subscription_id), _subscription, body)


def cancel_subscription(subscription_id: Id, *, at_period_end: bool) -> Call[Subscription]:
    """End a subscription, now or with its period."""
    query = {"at_period_end": at_period_end}
    return once("DELETE", _of(subscription_id), _subscription, query=query)


def history(
    org_id: str,
    *,
    event_type: str | None,
    start: datetime | None,
    end: datetime | None,
    page_size: int,
) -> Call[Page[HistoryEvent]]:
    """List an organization's billing history."""
    query = given(event_type=event_type, start=start, end=end)
    return pages(f"{_dashboard(org_id)}/history", HistoryEvent, query, page_size)


def org_dashboard(org_id: str) -> Call[OrgDashboard]:
    """Look at an organization as its dashboard shows it."""
    return read(_dashboard(org_id), lambda answer: parse(OrgDashboard, answer.document))


def user_dashboard() -> Call[UserDashboard]:
    """Look at what the caller's own dashboard shows."""
    return read(f"{BASE}/billing/user", lambda answer: parse(UserDashboard, answer.document))


def system_dashboard() -> Call[SystemDashboard]:
    """Look at all organizations together."""
    path = f"{BASE}/billing/system"
    return read(
        path,
        lambda answer: parse(SystemDashboard, answer.document),
        {"page_size": PAGE_SIZE_MAX},
    )


def plans(page_size: int) -> Call[Page[Plan]]:
    """List the plans."""
    return pages(f"{BASE}/plans", Plan, {}, page_size)


def prices(page_size: int) -> Call[Page[Price]]:
    """List the price catalogue."""
    return pages(f"{BASE}/prices", Price, {}, page_size)


def money(amount: Money | None) -> str | None:
    """Return an amount as the service reads it.

    Raises:
        TypeError: a float, in which cents aren't exact.
    """
    if isinstance(amount, float):
        raise TypeError("An amount of money is a Decimal or a text like '50.00', never a float.")
    return None if amount is None else str(amount)


def price(amount: Money | Unchanged) -> str | Unchanged:
    """Return an amount as ``money`` does, unless it stays as it is."""
    return amount if isinstance(amount, Unchanged) else str(money(amount))


def _dashboard(org_id: str) -> str:
    return f"{BASE}/billing/org/{segment('org_id', org_id)}"


def _of(subscription_id: Id) -> str:
    return f"{SUBSCRIPTIONS}/{segment('subscription_id', subscription_id)}"


def _subscription(answer: Answer) -> Subscription:
    return parse(Subscription, answer.document, replayed=answer.replayed)


def _credits_added(answer: Answer) -> CreditsAdded:
    return parse(CreditsAdded, answer.document, replayed=answer.replayed)
