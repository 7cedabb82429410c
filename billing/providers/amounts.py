"""Amounts in a currency's smallest unit, as payment providers count; exact, without floats."""

from decimal import Decimal
from typing import Final

#: How many decimal places a currency has where it isn't two (ISO 4217).
PLACES: Final = dict.fromkeys(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ],
    0,
) | dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], 3)


def to_minor(amount: Decimal, currency: str) -> int:
    """50.00 USD are 5000 cents. Raises ValueError for a part of the smallest unit."""
    minor = amount.scaleb(PLACES.get(currency, 2))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} {currency} is no whole number of its smallest unit.")
    return int(minor)


def from_minor(minor: int, currency: str) -> Decimal:
    """5000 cents are 50.00 USD."""
    places = PLACES.get(currency, 2)
    return Decimal(minor).scaleb(-places)
