"""What was billed, in the words of an invoice: one line for the amount of one event of the history."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

from billing.choices import BillingCycle, EventType
from billing.invoices.wording import money
from billing.models import BillingEvent
from billing.proration import to_cents


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table. Amounts are text with two places; a unit's price may have up to six.

    `unit_amount`: None where the amount is no product of a price that can be written.
    """

    description: str
    detail: str
    quantity: int
    unit_amount: str | None
    amount: str

    def as_json(self) -> dict[str, Any]:
        """The line as the document keeps it."""
        return asdict(self)


Names = Mapping[str, str]
#: A description and a detail.
Words = tuple[str, str]


def line_of(event: BillingEvent, plans: Names) -> Line:
    """The line of an event that has an amount; `plans`: the plans' names by their codes.

    An event that lacks what its kind is told by (written by hand, or long ago) is named by its kind alone:
    it was billed, so it has a line.
    """
    try:
        return _told(event, plans)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError):
        amount = f"{event.amount:.2f}"
        return Line(event.get_event_type_display(), "", 1, amount, amount)


def _told(event: BillingEvent, plans: Names) -> Line:
    description, detail = _words(event, plans)
    units = _units(event)
    return Line(
        description=description,
        detail=detail,
        quantity=units,
        unit_amount=_unit_amount(event, units),
        amount=f"{event.amount:.2f}",
    )


def _words(event: BillingEvent, plans: Names) -> Words:
    if event.event_type in WORDS:
        return WORDS[event.event_type](event, plans)
    return FIXED_WORDS.get(event.event_type, (event.get_event_type_display(), ""))


def _units(event: BillingEvent) -> int:
    if event.event_type == EventType.OVERAGE_CHARGE:
        return int(event.metadata["overage_credits"])
    return event.credits or 1


def _unit_amount(event: BillingEvent, units: int) -> str | None:
    """The price of one, unless what it comes to together is another amount."""
    if event.event_type == EventType.OVERAGE_CHARGE:
        return f"{Decimal(event.metadata['overage_rate']):.2f}"
    each = (event.amount / units).quantize(Decimal("0.000001")).normalize()
    if to_cents(each * units) != event.amount:
        return None
    places = max(2, -int(each.as_tuple().exponent))
    return f"{each:.{places}f}"


def _of_period(event: BillingEvent, plans: Names) -> Words:
    after: dict[str, str] = event.metadata.get("to", event.metadata)
    return _plan(after, plans), f"Billed {_cycle(after)}"


def _of_change(event: BillingEvent, plans: Names) -> Words:
    """Old and new price of the period, so that the reader can do the sum."""
    before, after = event.metadata["from"], event.metadata["to"]
    prices = [
        money(event.metadata[name], event.currency)
        for name in ("old_period_price", "new_period_price")
    ]
    left, whole = event.metadata["remaining_seconds"], event.metadata["period_seconds"]
    return (
        f"{_plan(after, plans)}, billed {_cycle(after)}",
        (
            f"Changed from {_plan(before, plans)}, billed {_cycle(before)}: {prices[0]} before, "
            f"{prices[1]} now, with {left * 100 / whole:.1f} % of the period left"
        ),
    )


#: Kinds of events whose words depend on what the event tells, and kinds that have the same ones always.
WORDS: Final[dict[str, Callable[[BillingEvent, Names], Words]]] = {
    EventType.SUBSCRIPTION_CREATED: _of_period,
    EventType.SUBSCRIPTION_ACTIVATED: _of_period,
    EventType.SUBSCRIPTION_RENEWED: _of_period,
    EventType.SUBSCRIPTION_UPGRADED: _of_change,
    EventType.BILLING_CYCLE_CHANGED: _of_change,
}
FIXED_WORDS: Final[dict[str, Words]] = {
    EventType.OVERAGE_CHARGE: ("Credits used beyond the pool", "Overage of the period"),
    EventType.CREDIT_PURCHASE: ("Credits", "Added to the organization's pool"),
}


def _plan(terms: Mapping[str, str], plans: Names) -> str:
    code = terms["plan"]
    return f"{plans.get(code, code)} plan"


def _cycle(terms: Mapping[str, str]) -> str:
    return BillingCycle(terms["billing_cycle"]).label.lower()
