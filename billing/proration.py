"""What a change in the middle of a period costs: pure arithmetic on Decimal, to the cent."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from billing.choices import BillingCycle
from billing.periods import whole_seconds

CENT: Final = Decimal("0.01")
ZERO: Final = Decimal("0.00")


def to_cents(amount: Decimal) -> Decimal:
    """The amount with two places, halves away from zero."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def period_price(monthly_price: Decimal, cycle: str, yearly_months: int) -> Decimal:
    """The price of one period: of a month, or of the months that a year is billed as."""
    if cycle == BillingCycle.YEARLY:
        return to_cents(monthly_price * yearly_months)
    return to_cents(monthly_price)


@dataclass(frozen=True, slots=True)
class Remainder:
    """What is left of a period at one moment, in whole seconds."""

    remaining_seconds: int
    period_seconds: int

    @classmethod
    def of(cls, start: datetime, end: datetime, moment: datetime) -> "Remainder":
        """The rest of the period from `start` to `end`; all of it before, nothing after."""
        length = whole_seconds(end - start)
        return cls(min(length, whole_seconds(end - moment)), length)

    def share_of(self, amount: Decimal) -> Decimal:
        """The amount's part that falls on what is left, to the cent."""
        return to_cents(amount * self.remaining_seconds / self.period_seconds)


def upgrade_charge(old_price: Decimal, new_price: Decimal, rest: Remainder) -> Decimal:
    """What an upgrade costs at once: the difference of the prices for what is left; at least 0."""
    return max(ZERO, rest.share_of(new_price - old_price))


def restart_charge(old_price: Decimal, new_price: Decimal, rest: Remainder) -> Decimal:
    """What a period that begins now costs: its price less the old one's unused part; at least 0."""
    return max(ZERO, to_cents(new_price) - rest.share_of(old_price))
