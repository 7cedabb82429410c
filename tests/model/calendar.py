"""Period boundaries by Python's own calendar: local midnights, month ends clamped."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@lru_cache(maxsize=100_000)
def midnight(day: date, zone: str) -> datetime:
    """When a local day begins, in UTC; where the clocks skip midnight, the moment they do so."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def clamped(year: int, month: int, day: int) -> date:
    """That day of the month, or the month's last."""
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def local_day(moment: datetime, zone: str) -> date:
    """The date on the wall there."""
    return moment.astimezone(ZoneInfo(zone)).date()


def boundary_after(anchor: datetime, period: str, zone: str, after: datetime) -> datetime | None:
    """The first beginning of a period later than `after`; None for `never`."""
    if period == "never":
        return None
    begun = local_day(anchor, zone)
    day = local_day(after, zone) - DAY
    while True:
        day = following(begun, period, day)
        begins = midnight(day, zone)
        if begins > after:
            return begins


def following(begun: date, period: str, day: date) -> date:
    """The first date later than `day` on which a period begins."""
    if period == "daily":
        return day + DAY
    if period == "weekly":
        return day + timedelta(days=(begun.weekday() - day.weekday() - 1) % 7 + 1)
    this = clamped(day.year, day.month, begun.day)
    if this > day:
        return this
    return clamped(day.year + day.month // 12, day.month % 12 + 1, begun.day)


def boundaries(
    anchor: datetime, period: str, zone: str, after: datetime, until: datetime
) -> list[datetime]:
    """All beginnings of periods later than `after` and not later than `until`."""
    found = []
    while (after := boundary_after(anchor, period, zone, after)) is not None and after <= until:
        found.append(after)
    return found
