"""A window of time as days, hours and rest: what of it can be read from summed-up usage, and what from rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from credits.choices import Grain

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
#: No row is of another time; arithmetic near the ends of the calendar fails.
FIRST: Final = datetime(1, 1, 3, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 29, tzinfo=UTC)
#: What is cut short of a whole hour is read from rows.
ROWS: Final = "rows"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a window that is read in one way.

    Attributes:
        grain: of cells that lie in it whole, or ``rows``.
        since, until: from the first, up to but without the second; None: no end.
        day: the local day that the piece belongs to; None: each cell's or row's own, in UTC.
    """

    grain: str
    since: datetime
    until: datetime | None
    day: date | None = None


def parts(since: datetime, until: datetime | None, day: date | None = None) -> Iterator[Part]:
    """Cut a window into pieces: rows up to the hour, hours up to the day of UTC, days, and the same backwards."""
    since = min(max(since, FIRST), LAST).astimezone(UTC)
    until = None if until is None else min(until, LAST).astimezone(UTC)
    if until is not None and since >= until:
        return
    marks = [(ROWS, since), *_ahead(since, until)]
    for (grain, start), (_next, end) in zip(marks, [*marks[1:], ("", until)], strict=True):
        if end is None or start < end:
            yield Part(grain, start, end, day)


def of_days(days: Sequence[tuple[date, datetime, datetime]]) -> list[Part]:
    """The pieces of local days, each given with its first moment and the next day's."""
    return [part for day, since, until in days for part in parts(since, until, day)]


def _ahead(since: datetime, until: datetime | None) -> list[tuple[str, datetime]]:
    """Where hours, days, hours again and rows again begin, in this order; what is empty begins where it ends."""
    hours = _up(since, HOUR)
    days = _up(since, DAY)
    if until is None:
        return [(Grain.HOUR, hours), (Grain.DAY, days)]
    last_hour, last_day = _down(until, HOUR), _down(until, DAY)
    if hours >= last_hour:
        return []
    if days >= last_day:
        return [(Grain.HOUR, hours), (ROWS, last_hour)]
    return [(Grain.HOUR, hours), (Grain.DAY, days), (Grain.HOUR, last_day), (ROWS, last_hour)]


def _down(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - datetime.min.replace(tzinfo=UTC)) % step


def _up(moment: datetime, step: timedelta) -> datetime:
    down = _down(moment, step)
    return down if down == moment else down + step
