"""Fields that take numbers as people write them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django import forms

from credits.choices import MAX_AMOUNT

#: What people put between thousands.
SEPARATORS: Final = str.maketrans("", "", ", \u00a0\u202f_")
NOTES_MAX: Final = 1_000


class CreditsField(forms.IntegerField):
    """A whole number of credits, 1 to 10^15 unless said otherwise; ``10,000`` is ten thousand."""

    def __init__(self, **kwargs: Any) -> None:
        limits = {"min_value": 1, "max_value": MAX_AMOUNT}
        super().__init__(**{**limits, "widget": _number("numeric"), **kwargs})

    def to_python(self, value: Any) -> int | None:
        """Read it without what stands between thousands.

        Raises:
            ValidationError: no whole number.
        """
        number: int | None = super().to_python(_plain(value))
        return number

    def prepare_value(self, value: Any) -> Any:
        """Show digits alone, so that what is sent back is what was shown."""
        return str(value) if isinstance(value, int) else value


class AmountField(forms.DecimalField):
    """An amount of money with at most two places; ``1,000.50`` is a thousand and a half."""

    def __init__(self, **kwargs: Any) -> None:
        limits = {"min_value": Decimal("0.00"), "max_digits": 12, "decimal_places": 2}
        super().__init__(**{**limits, "widget": _number("decimal"), **kwargs})

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        """Read it without what stands between thousands.

        Raises:
            ValidationError: no amount.
        """
        amount: Decimal | None = super().to_python(_plain(value))
        return amount

    def prepare_value(self, value: Any) -> Any:
        """Show it with two places and no separators."""
        return f"{value:.2f}" if isinstance(value, Decimal) else value


class NotesField(forms.CharField):
    """A text that the ledger keeps for ever, at most 1,000 characters."""

    def __init__(self, **kwargs: Any) -> None:
        area = forms.Textarea(attrs={"rows": 2})
        super().__init__(**{"max_length": NOTES_MAX, "required": False, "widget": area, **kwargs})


def _number(mode: str) -> forms.TextInput:
    # A text field: a number field of a browser takes no separators, and changes when a wheel turns over it.
    return forms.TextInput(attrs={"inputmode": mode, "autocomplete": "off"})


def _plain(value: Any) -> Any:
    return value.translate(SEPARATORS) if isinstance(value, str) else value
