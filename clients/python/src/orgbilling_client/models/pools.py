"""Pools of organizations and what members may spend of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """An organization's pool."""

    id: str
    org_id: str
    org_name: str
    total_credits: int
    allocated_credits: int
    used_credits: int
    held_credits: int
    available_credits: int
    monthly_refresh_amount: int
    last_refresh_date: datetime | None
    next_refresh_date: datetime | None
    allow_overage: bool
    overage_limit: int
    overage_rate: Decimal
    overage_used: int
    overage_used_period: int
    lifetime_purchased_credits: int
    lifetime_spent_amount: Decimal
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """A pool with those settings that only this endpoint shows."""

    id: str
    org_id: str
    org_name: str
    total_credits: int
    allocated_credits: int
    used_credits: int
    held_credits: int
    available_credits: int
    monthly_refresh_amount: int
    last_refresh_date: datetime | None
    next_refresh_date: datetime | None
    allow_overage: bool
    overage_limit: int
    overage_rate: Decimal
    overage_used: int
    overage_used_period: int
    lifetime_purchased_credits: int
    lifetime_spent_amount: Decimal
    updated_at: datetime
    account_limit: Decimal
    alert_threshold_percent: int | None
    alert_threshold_credits: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What one member may spend."""

    id: str
    org_id: str
    org_name: str
    user_id: str
    user_email: str
    user_name: str
    allocated_credits: int
    used_credits: int
    held_credits: int
    remaining_credits: int
    budget_credits: int
    lifetime_used_credits: int
    reset_period: str
    last_reset_date: datetime | None
    next_reset_date: datetime | None
    is_active: bool
    allocated_by: str
    notes: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocated:
    """The answer to an allocation."""

    allocation: Allocation
    pool: Pool
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAllocations:
    """One person's allocations, as far as the caller may see them."""

    user_id: str
    allocations: tuple[Allocation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One person's refusals of one service for one reason on one day."""

    id: str
    org_id: str
    day: date
    user_id: str | None
    service_name: str | None
    code: str
    refused_by: str
    count: int
    requested_credits: int | None
    remaining_credits: int | None
    request_id: str
    actor: str
    first_at: datetime
    last_at: datetime
