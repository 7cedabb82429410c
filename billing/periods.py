"""The calendar of subscriptions: pure functions of aware datetimes."""

import calendar
from datetime import datetime, timedelta

from billing.choices import CYCLE_MONTHS


def add_months(moment: datetime, months: int) -> datetime:
    """The same day and time of day `months` later, on the month's last day when it has no such day.

    Periods are counted from the first one's start, never from the one before: 31 January is
    followed by 28 February and then by 31 March, not by 28 March.

    Raises OverflowError for a month outside the years 1 to 9999.
    """
    count = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(count, 12)
    month += 1
    if not 1 <= year <= 9999:
        msg = "A date out of range."
        raise OverflowError(msg)
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return moment.replace(year=year, month=month, day=day)


def first_period(anchor: datetime, cycle: str) -> tuple[datetime, datetime]:
    """The period that begins at the anchor."""
    return anchor, add_months(anchor, CYCLE_MONTHS[cycle])


def next_period(anchor: datetime, end: datetime, cycle: str) -> tuple[datetime, datetime]:
    """The period that follows the one that ends at `end`, itself counted from the anchor."""
    passed = (end.year - anchor.year) * 12 + end.month - anchor.month
    return end, add_months(anchor, passed + CYCLE_MONTHS[cycle])


def whole_second(moment: datetime) -> datetime:
    """The moment without its microseconds: periods begin, end and are prorated on the second."""
    return moment.replace(microsecond=0)


def whole_seconds(duration: timedelta) -> int:
    """The duration's whole seconds, 0 for a negative one."""
    return max(0, duration // timedelta(seconds=1))
