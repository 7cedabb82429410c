"""How amounts, dates and quantities are written on an invoice."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from billing.choices import PaymentStatus

#: Of a document, in English, whatever the machine's locale says.
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def money(amount: str | Decimal, currency: str) -> str:
    """`1234.5` and `USD` as `USD 1,234.50`."""
    return f"{currency} {number(amount)}"


def number(amount: str | Decimal) -> str:
    """`1234.5` as `1,234.50`; a price of less than a cent keeps its places."""
    exact = Decimal(amount)
    places = max(2, -int(exact.as_tuple().exponent))
    return f"{exact:,.{places}f}"


def date(moment: str | datetime) -> str:
    """A moment, or its text by RFC 3339, as `1 November 2026`; the day in UTC, as periods are counted."""
    given = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{given.day} {MONTHS[given.month - 1]} {given.year}"


def period(start: str, end: str) -> str:
    """From a day to a day; both are named, since a period ends at a moment of its last one."""
    return f"{date(start)} to {date(end)}"


def quantity(units: int) -> str:
    """`10000` as `10,000`."""
    return f"{units:,}"


def status(state: str, *, due_at: str | None, paid_at: datetime | None) -> str:
    """What has become of the payment, in a few words."""
    if state == PaymentStatus.PAID and paid_at is not None:
        return f"Paid on {date(paid_at)}"
    if state == PaymentStatus.VOID:
        return "Void: nothing is to be paid"
    return f"Due by {date(due_at)}" if due_at is not None else "To be paid"
