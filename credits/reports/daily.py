"""Usage by day and service: what a chart of stacked bars shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Sum
from django.db.models.functions import TruncDate

from credits.models import Usage
from credits.reports import rolled, windows
from organizations.models import Organization
from orgbilling.lib.clock import now

#: Services shown by name; the rest are shown together.
TOP_SERVICES: Final = 6
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Series:
    """One service's credits, net of refunds: a number for each day, and their sum.

    A day on which more was refunded than charged is below zero.
    """

    service_name: str
    credits: tuple[int, ...]
    total: int
    is_other: bool = False


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """Days, oldest first and none left out, and the services' credits of each day, the largest service first."""

    days: tuple[date, ...]
    series: tuple[Series, ...]
    zone: str

    @property
    def totals(self) -> tuple[int, ...]:
        """The credits of each day, all services together."""
        return tuple(sum(one.credits[at] for one in self.series) for at in range(len(self.days)))

    @property
    def total(self) -> int:
        """The credits of all days."""
        return sum(one.total for one in self.series)


def daily_by_service(
    org_id: UUID | None, days: int = 30, zone: str | None = None, *, user_id: UUID | None = None
) -> DailyUsage:
    """Credits by local day and service: the six largest services by name, the rest as one.

    One query; two when the zone has to be looked up.

    Args:
        org_id: None: all organizations, by days of UTC unless a zone is given.
        days: 1 to 366, today included.
        zone: an IANA time zone; the organization's own by default.
        user_id: one member's usage only.

    Raises:
        ValueError: another number of days.
    """
    if not 1 <= days <= 366:
        message = "From 1 to 366 days."
        raise ValueError(message)
    zone = zone or _zone_of(org_id)
    local = ZoneInfo(zone)
    today = now().astimezone(local).date()
    every_day = tuple(today - timedelta(days=days - 1 - number) for number in range(days))
    services: dict[str, dict[date, int]] = {}
    for day, name, credits in _sums(org_id, every_day, local, user_id):
        services.setdefault(name, {})[day] = credits
    return DailyUsage(every_day, _series(services, every_day), zone)


def _sums(
    org_id: UUID | None, every_day: tuple[date, ...], local: ZoneInfo, user_id: UUID | None
) -> Iterator[tuple[date, str, int]]:
    """Credits of each day and service that has any. Only rows tell a member's services apart."""
    midnights = [
        datetime.combine(day, time(), local)
        for day in (*every_day, every_day[-1] + timedelta(days=1))
    ]
    if user_id is None:
        days = list(zip(every_day, midnights, midnights[1:], strict=False))
        of = None if org_id is None else (org_id,)
        groups = (rolled.DAY, rolled.NAME)
        pieces = windows.of_days(days)
        if all(midnight.astimezone(UTC).time() == time() for midnight in midnights):
            # Days of UTC are told apart by the cells themselves.
            pieces = list(windows.parts(midnights[0], midnights[-1]))
        for row in rolled.sums("service_name", groups, pieces, org_ids=of):
            yield row[0], row[1], row[2]
        return
    rows = Usage.objects.filter(
        user_id=user_id, created_at__gte=midnights[0], created_at__lt=midnights[-1]
    )
    if org_id is not None:
        rows = rows.filter(org_id=org_id)
    by_day = rows.order_by().values("service_name", day=TruncDate("created_at", tzinfo=local))
    for one in by_day.annotate(credits=Sum("credits_used")):
        yield one["day"], one["service_name"], int(one["credits"])


def _zone_of(org_id: UUID | None) -> str:
    if org_id is None:
        return "UTC"
    zone: str = Organization.objects.values_list("timezone", flat=True).get(pk=org_id)
    return zone


def _series(
    services: dict[str, dict[date, int]], every_day: tuple[date, ...]
) -> tuple[Series, ...]:
    ranked = sorted(services, key=lambda name: (-sum(services[name].values()), name))
    shown, rest = ranked[:TOP_SERVICES], ranked[TOP_SERVICES:]
    series = [_one(name, [services[name]], every_day) for name in shown]
    if rest:
        series.append(_one(OTHER, [services[name] for name in rest], every_day, is_other=True))
    return tuple(series)


def _one(
    name: str,
    parts: list[dict[date, int]],
    every_day: tuple[date, ...],
    *,
    is_other: bool = False,
) -> Series:
    credits = tuple(sum(part.get(day, 0) for part in parts) for day in every_day)
    return Series(name, credits, sum(credits), is_other)
