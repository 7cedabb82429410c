"""Subscriptions: the state that each is in, without a bill for what the predecessor billed, and what a pool may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from billing import alarm, entitlement, overage
from billing.choices import CYCLE_MONTHS, LIVE_STATUSES, BillingCycle, SubscriptionStatus
from billing.models import Plan, Subscription
from billing.periods import add_months, first_period, whole_second
from credits.models import CreditPool
from orgbilling.importing import cleaning
from orgbilling.importing.accounts import POOLS, Account
from orgbilling.importing.mending import ZERO, Mends
from orgbilling.importing.rows import PoolRow, SubscriptionRow
from orgbilling.importing.tenants import Tenant

TABLE: Final = "organization_subscriptions"
#: Spellings of a state; past due is active here, because what is overdue is not owed to this service.
STATUSES: Final = {
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.ACTIVE,
    "trialing": SubscriptionStatus.TRIALING,
    "trial": SubscriptionStatus.TRIALING,
    "paused": SubscriptionStatus.PAUSED,
    "canceled": SubscriptionStatus.CANCELED,
    "cancelled": SubscriptionStatus.CANCELED,
    "expired": SubscriptionStatus.CANCELED,
    "inactive": SubscriptionStatus.CANCELED,
}
#: Which of several live ones is kept: the one that lets spend, then the newest.
RANK: Final = (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING, SubscriptionStatus.PAUSED)
#: Nobody is asked about a period that is longer than its cycle by less.
SLACK: Final = timedelta(days=31)


def refusals(rows: Iterable[SubscriptionRow], plans: Mapping[str, Plan]) -> list[str]:
    """What can't be said of the subscriptions without guessing."""
    wrong = []
    for row in rows:
        if (row.plan or "").lower() not in plans:
            wrong.append(f"{TABLE} {row.id}: the plan {row.plan!r} is not in the catalogue here")
        if (row.status or "").lower() not in STATUSES:
            wrong.append(f"{TABLE} {row.id}: the status {row.status!r} is not known")
    return wrong


@dataclass(frozen=True, slots=True)
class Agreements:
    """Writes subscriptions and what they let a pool do. ``plans``: the catalogue here, by code."""

    plans: Mapping[str, Plan]
    mends: Mends
    moment: datetime
    request_id: str

    def subscribe(self, tenant: Tenant, rows: Iterable[SubscriptionRow]) -> Subscription | None:
        """Write the organization's subscriptions; returns the live one."""
        read = [(row, STATUSES[(row.status or "").lower()]) for row in rows]
        alive = [one for one in read if one[1] in LIVE_STATUSES]
        alive.sort(key=lambda one: one[0].created_at or tenant.since, reverse=True)
        alive.sort(key=lambda one: RANK.index(one[1]))
        kept = alive[0][0] if alive else None
        live = None
        for row, found in read:
            status = found
            if status in LIVE_STATUSES and row is not kept:
                status = SubscriptionStatus.CANCELED
                self._note("second_subscription", tenant, row, row.status, status)
            elif row.status != status.value:
                self._note("subscription_status", tenant, row, row.status, status)
            subscription = self._start(tenant, row, status)
            live = subscription if subscription.is_live else live
        if live is not None:
            overage.follow(live, self.moment, self.request_id, start=live.current_period_start)
            entitlement.apply(live)
            alarm.set_for(live)
        return live

    def _note(
        self, kind: str, tenant: Tenant, row: SubscriptionRow, old: object, new: object
    ) -> None:
        self.mends.add(kind, tenant.source_id, TABLE, row.id, old, new)

    def _start(
        self, tenant: Tenant, row: SubscriptionRow, status: SubscriptionStatus
    ) -> Subscription:
        plan = self.plans[(row.plan or "").lower()]
        price = row.monthly_price or ZERO
        if price < 0:
            self._note("price_negative", tenant, row, price, "0.00")
        elif status in LIVE_STATUSES and row.monthly_price != plan.monthly_price:
            told = "none" if row.monthly_price is None else price
            self._note("price_deviates", tenant, row, told, f"kept; {plan.monthly_price} here")
        cycle = (row.billing_cycle or BillingCycle.MONTHLY).lower()
        if cycle not in BillingCycle.values:
            self._note("cycle", tenant, row, row.billing_cycle, BillingCycle.MONTHLY)
            cycle = BillingCycle.MONTHLY
        created_at = min(self.moment, row.created_at or row.period_start or tenant.since)
        start = whole_second(min(self.moment, row.period_start or created_at))
        subscription: Subscription = Subscription.objects.start(
            id=cleaning.identity(row.id, TABLE, tenant.namespace),
            org=tenant.organization,
            plan=plan,
            monthly_price=cleaning.cents(max(ZERO, price)),
            currency=plan.currency,
            yearly_months=plan.yearly_months,
            billing_cycle=cycle,
            created_at=created_at,
            updated_at=self.moment,
            **self._terms(tenant, row, status, cycle, start),
        )
        return subscription

    def _terms(
        self,
        tenant: Tenant,
        row: SubscriptionRow,
        status: SubscriptionStatus,
        cycle: str,
        start: datetime,
    ) -> dict[str, Any]:
        """State and period: what the predecessor's clock left behind is brought to now, and nothing charged for it."""
        end = row.period_end if row.period_end and row.period_end > start else None
        if status == SubscriptionStatus.CANCELED:
            canceled_at = min(self.moment, row.canceled_at or row.updated_at or self.moment)
            terms = _period(start, start, end or first_period(start, cycle)[1])
            return terms | {"status": status, "canceled_at": canceled_at}
        last = row.trial_ends_at or end if status == SubscriptionStatus.TRIALING else end
        if last is not None and last > add_months(start, CYCLE_MONTHS[cycle]) + SLACK:
            self._note("period_long", tenant, row, f"until {last}", "kept")
        if status == SubscriptionStatus.TRIALING:
            trial_end = last
            if trial_end is not None and trial_end > self.moment:
                terms = _period(trial_end, start, trial_end)
                return terms | {"status": status, "trial_ends_at": trial_end}
            told = f"trial until {trial_end}"
            self._note("period", tenant, row, told, "active, paid from the next period")
            status = SubscriptionStatus.ACTIVE
        if end is not None and end > self.moment:
            # Periods of 30 days are no months: the next one is counted from where this one ends.
            return _period(end, start, end) | {"status": status}
        begins, ends = _current(start, cycle, self.moment)
        self._note("period", tenant, row, f"until {row.period_end}", f"until {ends}")
        return _period(start, begins, ends) | {"status": status}

    def let_pool(self, account: Account, live: Subscription | None) -> None:
        """What the pool may do: refreshes and overage, within what the plan here allows."""
        org_id = account.tenant.organization.pk
        if account.tenant.organization.is_suspended:
            CreditPool.objects.set_suspended(org_id, suspended=True)
        if account.pool is not None:
            values = self._pool_settings(account.tenant.source_id, account.pool, live)
            CreditPool.objects.change_settings(org_id=org_id, **values)

    def _pool_settings(
        self, source_id: str, pool: PoolRow, live: Subscription | None
    ) -> dict[str, Any]:
        ceiling = live.plan.overage_ceiling if live is not None else 0
        is_paid = live is not None and not live.is_trialing
        refresh, limit, rate = (
            one or ZERO for one in (pool.refresh_amount, pool.overage_limit, pool.overage_rate)
        )
        values: dict[str, Any] = {
            "monthly_refresh_amount": max(0, cleaning.up(refresh)),
            "overage_limit": max(0, min(cleaning.down(limit), ceiling)),
            "overage_rate": cleaning.cents(max(ZERO, rate)),
            "allow_overage": bool(pool.allow_overage) and is_paid,
        }
        said = {
            "refresh_amount": (refresh, values["monthly_refresh_amount"]),
            "overage_limit": (limit, values["overage_limit"]),
            "overage_rate": (rate, values["overage_rate"]),
            "overage_allowed": (bool(pool.allow_overage), values["allow_overage"]),
        }
        for kind, (old, new) in said.items():
            if old != new:
                self.mends.add(kind, source_id, POOLS, source_id, old, new)
        if pool.overage_rate is None:
            del values["overage_rate"]
        return values


def _period(anchor: datetime, start: datetime, end: datetime) -> dict[str, datetime]:
    return {"period_anchor": anchor, "current_period_start": start, "current_period_end": end}


def _current(anchor: datetime, cycle: str, moment: datetime) -> tuple[datetime, datetime]:
    """The period, counted from the anchor, in which the moment is."""
    length = CYCLE_MONTHS[cycle]
    passed = (moment.year - anchor.year) * 12 + moment.month - anchor.month
    months = passed - passed % length
    while add_months(anchor, months) > moment:
        months -= length
    return add_months(anchor, months), add_months(anchor, months + length)
