"""What a change in the middle of a period costs, to the cent and to the second."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.proration import (
    Remainder,
    period_price,
    restart_charge,
    to_cents,
    upgrade_charge,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)
SECONDS = 30 * 24 * 3600


def at(**passed: int) -> Remainder:
    return Remainder.of(START, END, START + timedelta(**passed))


@pytest.mark.parametrize(
    ("rest", "seconds"),
    [
        (at(days=0), SECONDS),
        (at(days=15), SECONDS // 2),
        (at(seconds=1), SECONDS - 1),
        (at(days=30), 0),
        (at(days=31), 0),
        (at(days=-3), SECONDS),
    ],
)
def test_what_is_left_is_counted_in_seconds(rest, seconds):
    assert rest == Remainder(seconds, SECONDS)


@pytest.mark.parametrize(
    ("rest", "charge"),
    [
        (at(days=0), "49.00"),
        (at(days=15), "24.50"),
        (at(days=10), "32.67"),
        (at(days=20), "16.33"),
        # 49 * 264 / 2592000 = 0.00499…: the last 264 seconds are free, 265 cost a cent.
        (Remainder(264, SECONDS), "0.00"),
        (Remainder(265, SECONDS), "0.01"),
        (at(days=30), "0.00"),
    ],
)
def test_an_upgrade_costs_the_difference_for_what_is_left(rest, charge):
    assert upgrade_charge(Decimal("50.00"), Decimal("99.00"), rest) == Decimal(charge)


def test_one_second_can_be_worth_a_cent():
    whole = Remainder(SECONDS, SECONDS)
    less = Remainder(SECONDS - 1, SECONDS)
    old, new = Decimal(0), Decimal("25920.00")
    assert upgrade_charge(old, new, whole) - upgrade_charge(old, new, less) == Decimal("0.01")


def test_halves_are_rounded_up():
    assert upgrade_charge(Decimal(0), Decimal("0.01"), Remainder(1, 2)) == Decimal("0.01")
    assert to_cents(Decimal("2.675")) == Decimal("2.68")
    assert to_cents(Decimal("2.665")) == Decimal("2.67")


def test_an_upgrade_from_a_dearer_custom_price_costs_nothing():
    charge = upgrade_charge(Decimal("150.00"), Decimal("99.00"), at(days=3))
    assert charge == 0
    assert str(charge) == "0.00"


def test_a_year_begun_in_the_middle_of_a_month_is_less_the_rest_of_it():
    assert restart_charge(Decimal("50.00"), Decimal("500.00"), at(days=15)) == Decimal("475.00")
    assert restart_charge(Decimal("50.00"), Decimal("500.00"), at(days=30)) == Decimal("500.00")
    assert restart_charge(Decimal("900.00"), Decimal("500.00"), at(days=0)) == Decimal("0.00")


def test_prices_of_periods():
    assert period_price(Decimal("50.00"), "monthly", 10) == Decimal("50.00")
    assert period_price(Decimal("50.00"), "yearly", 10) == Decimal("500.00")
    assert period_price(Decimal("9.99"), "yearly", 11) == Decimal("109.89")
