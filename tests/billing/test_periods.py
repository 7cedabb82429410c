"""The calendar of subscriptions."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from billing.periods import add_months, first_period, whole_second, whole_seconds


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (utc(2026, 1, 31), 1, utc(2026, 2, 28)),
        (utc(2026, 1, 31), 2, utc(2026, 3, 31)),
        (utc(2026, 1, 31), 3, utc(2026, 4, 30)),
        (utc(2028, 1, 31), 1, utc(2028, 2, 29)),
        (utc(2028, 2, 29), 12, utc(2029, 2, 28)),
        (utc(2028, 2, 29), 48, utc(2032, 2, 29)),
        (utc(2026, 11, 22, 16, 5, 7), 1, utc(2026, 12, 22, 16, 5, 7)),
        (utc(2026, 12, 1), 1, utc(2027, 1, 1)),
        (utc(2026, 3, 31), -1, utc(2026, 2, 28)),
        (utc(2026, 5, 9), 0, utc(2026, 5, 9)),
    ],
)
def test_months_are_added_to_the_same_day_clamped(start, months, expected):
    assert add_months(start, months) == expected


def test_a_month_beyond_the_calendar_is_refused():
    with pytest.raises(OverflowError):
        add_months(utc(9999, 12, 1), 1)


def test_periods_come_back_to_the_31st_after_february():
    anchor = utc(2026, 1, 31)
    assert [add_months(anchor, n) for n in range(5)] == [
        utc(2026, 1, 31),
        utc(2026, 2, 28),
        utc(2026, 3, 31),
        utc(2026, 4, 30),
        utc(2026, 5, 31),
    ]


def test_ten_years_of_periods_leave_no_gap_and_never_run_backwards():
    for anchor in (utc(2026, 1, 29, 23, 59, 59), utc(2028, 2, 29), utc(2026, 8, 31, 12)):
        starts = [add_months(anchor, n) for n in range(121)]
        lengths = {(after - before).days for before, after in pairwise(starts)}
        assert lengths <= {28, 29, 30, 31}
        assert {start.time() for start in starts} == {anchor.time()}
        assert all(start.day <= anchor.day for start in starts)


def test_a_year_is_twelve_months():
    assert first_period(utc(2028, 2, 29), "yearly") == (utc(2028, 2, 29), utc(2029, 2, 28))


def test_seconds_are_whole():
    assert whole_second(utc(2026, 1, 1, 0, 0, 0, 999_999)) == utc(2026, 1, 1)
    assert whole_seconds(timedelta(seconds=1.9)) == 1
    assert whole_seconds(timedelta(seconds=-5)) == 0
