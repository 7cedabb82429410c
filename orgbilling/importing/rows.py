"""The rows of the source, as they are read: texts trimmed, amounts exact, moments aware and in UTC; None: nothing."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class OrganizationRow(NamedTuple):
    """A customer."""

    id: str
    name: str | None
    slug: str | None
    display_name: str | None
    status: str | None
    is_active: bool | None
    created_at: datetime | None


class MemberRow(NamedTuple):
    """A person's place in an organization."""

    org_id: str
    user_id: str
    role: str | None
    is_active: bool | None
    joined_at: datetime | None


class UserRow(NamedTuple):
    """A person, where the database knows people at all.

    ``is_verified``: the identity provider vouches for the address, and that it is the subject's.
    """

    id: str
    email: str | None
    name: str | None
    subject: str | None
    is_active: bool | None
    is_verified: bool = False


class SubscriptionRow(NamedTuple):
    """A subscription, as it is at the end."""

    id: str
    org_id: str
    plan: str | None
    monthly_price: Decimal | None
    billing_cycle: str | None
    status: str | None
    trial_ends_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None
    canceled_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None


class PoolRow(NamedTuple):
    """An organization's credits, by its counters."""

    org_id: str
    total: Decimal | None
    allocated: Decimal | None
    used: Decimal | None
    refresh_amount: Decimal | None
    allow_overage: bool | None
    overage_limit: Decimal | None
    overage_rate: Decimal | None
    purchased: Decimal | None
    spent: Decimal | None
    created_at: datetime | None


class AllocationRow(NamedTuple):
    """A person's credits, by their counters."""

    id: str
    org_id: str
    user_id: str
    allocated: Decimal | None
    used: Decimal | None
    remaining: Decimal | None
    reset_period: str | None
    is_active: bool | None
    notes: str | None
    created_at: datetime | None


class UsageRow(NamedTuple):
    """A charge.

    ``first_id``: the first charge of the same person, request and amount, which may be this one. ``is_sole``: all
    charges of its request are of one person and one amount, and this is the first.
    """

    id: str
    org_id: str
    user_id: str
    credits: Decimal | None
    service_type: str | None
    service_name: str | None
    api_cost: Decimal | None
    markup: Decimal | None
    request_id: str | None
    metadata: str | None
    created_at: datetime | None
    first_id: str
    is_sole: bool
    is_repeated: bool


class CountedRow(NamedTuple):
    """What the charges of one person in one organization sum up to."""

    org_id: str
    user_id: str
    rows: int
    raw: Decimal
    negative: Decimal
    charged: Decimal
    fraction: Decimal
    repeated: Decimal
    repeated_rows: int
    first_at: datetime | None


class EventRow(NamedTuple):
    """Something that happened to money."""

    id: str
    org_id: str
    subscription_id: str | None
    event_type: str | None
    lago_invoice_id: str | None
    stripe_invoice_id: str | None
    amount: Decimal | None
    currency: str | None
    payment_status: str | None
    payment_method: str | None
    paid_at: datetime | None
    period_start: datetime | None
    period_end: datetime | None
    metadata: str | None
    notes: str | None
    description: str | None
    created_at: datetime | None
