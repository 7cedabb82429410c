"""How the pages on which credits move say amounts, moments, people and what deserves a second look."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from billing.choices import CURRENCY
from credits.choices import ResetPeriod
from organizations.models import Organization, User

#: Moving more than this is confirmed with a warning, however much there is.
LARGE: Final = 100_000

EVERY: Final = {
    ResetPeriod.DAILY: "Every day",
    ResetPeriod.WEEKLY: "Every week",
    ResetPeriod.MONTHLY: "Every month",
    ResetPeriod.NEVER: "Never",
}


def credits_of(number: int) -> str:
    """``1 credit``, ``1,500 credits``."""
    return f"{number:,} credit{'' if number == 1 else 's'}"


def money_of(amount: Decimal, currency: str = CURRENCY) -> str:
    """``1,000.00 USD``."""
    return f"{amount:,.2f} {currency}"


def moment_of(moment: datetime | None, organization: Organization) -> str:
    """The moment in the organization's time zone, which it names."""
    if moment is None:
        return "never"
    zone = ZoneInfo(organization.timezone)
    return f"{moment.astimezone(zone):%-d %b %Y, %H:%M} ({organization.timezone})"


def day_of(moment: datetime, organization: Organization) -> str:
    """The day of the moment where the organization is."""
    return f"{moment.astimezone(ZoneInfo(organization.timezone)):%-d %b %Y}"


def person_of(user: User) -> str:
    """A person as lists of members show them."""
    return f"{user.name} ({user.email})" if user.name else user.email


def large_move(moved: int, available: int, where: str) -> list[str]:
    """Warnings about an amount that is large, or more than half of what is there.

    Args:
        moved: credits that leave the place.
        available: credits that it has.
        where: what has them: ``the pool``.
    """
    warnings = []
    if available and moved * 2 > available:
        warnings.append(
            f"This moves more than half of the {credits_of(available)} that {where} has."
        )
    if moved > LARGE:
        warnings.append(f"This moves more than {LARGE:,} credits. Check the amount.")
    return warnings
