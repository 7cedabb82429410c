"""How amounts, times and states are written on the pages about money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from billing.choices import BillingCycle, PaymentStatus, SubscriptionStatus
from billing.proration import to_cents
from credits.models import CreditPool
from organizations.models import Organization


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as people read it, and how good it is: good, warn, bad, accent, or empty."""

    label: str
    tone: str = ""


SUBSCRIPTION_BADGES: Final[dict[str, Badge]] = {
    SubscriptionStatus.TRIALING: Badge("Trial", "accent"),
    SubscriptionStatus.ACTIVE: Badge("Active", "good"),
    SubscriptionStatus.PAST_DUE: Badge("Past due", "bad"),
    SubscriptionStatus.PAUSED: Badge("Paused", "warn"),
    SubscriptionStatus.CANCELED: Badge("Canceled"),
}

PAYMENT_BADGES: Final[dict[str | None, Badge]] = {
    PaymentStatus.PENDING: Badge("To be paid", "warn"),
    PaymentStatus.PAID: Badge("Paid", "good"),
    PaymentStatus.VOID: Badge("Void"),
}

#: What a period of a cycle is called after a price: `USD 50.00 a month`.
PERIOD: Final[dict[str, str]] = {BillingCycle.MONTHLY: "month", BillingCycle.YEARLY: "year"}


def money(amount: Decimal, currency: str) -> str:
    """`USD 1,234.50`, as on the invoices."""
    return f"{currency} {amount:,.2f}"


def price(amount: Decimal, currency: str, cycle: str) -> str:
    """`USD 50.00 a month`."""
    return f"{money(amount, currency)} a {PERIOD[cycle]}"


def day(moment: datetime, organization: Organization) -> str:
    """`1 November 2026`, the day that it is in the organization's time zone."""
    local = moment.astimezone(ZoneInfo(organization.timezone))
    return f"{local.day} {local:%B %Y}"


def overage_billed_now(pool: CreditPool, currency: str) -> str:
    """What ending the period bills beside everything else; empty when nothing was drawn over the pool."""
    drawn = pool.overage_used_period
    if not drawn:
        return ""
    owed = money(to_cents(drawn * pool.overage_rate), currency)
    return (
        f"The {drawn:,} credits of overage of this period are billed now, too: {owed}. "
        "What is drawn until you confirm comes on top."
    )


def days_left(end: datetime, moment: datetime) -> int:
    """Days until then, the begun one counted; 0 when it has passed."""
    return max(0, -((moment - end) // timedelta(days=1)))
