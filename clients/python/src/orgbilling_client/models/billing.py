"""Subscriptions, what was billed, and the catalogues of plans and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from orgbilling_client.models.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """An organization's subscription."""

    id: str
    org_id: str
    org_name: str
    subscription_plan: str
    monthly_price: Decimal
    currency: str
    billing_cycle: str
    status: str
    trial_ends_at: datetime | None
    current_period_start: datetime
    current_period_end: datetime
    cancel_at_period_end: bool
    scheduled_plan: str | None
    canceled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEvent:
    """One event of the billing history."""

    id: str
    org_id: str
    subscription_id: str | None
    event_type: str
    amount: Decimal
    currency: str
    credits: int | None
    payment_status: str | None
    period_start: datetime | None
    period_end: datetime | None
    actor: str
    notes: str
    metadata: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsAdded:
    """The answer to added credits: the pool as it is now, and the history's event."""

    pool: Pool
    event: HistoryEvent
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan that can be subscribed to."""

    code: str
    name: str
    description: str
    monthly_price: Decimal
    yearly_price: Decimal
    credit_price: Decimal
    currency: str
    overage_ceiling: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPrices:
    """Credits for one, by plan."""

    platform: int
    byok: int
    hybrid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one of a service costs."""

    service_name: str
    title: str
    unit: str
    credits: PlanPrices
    version: int
    effective_from: datetime
