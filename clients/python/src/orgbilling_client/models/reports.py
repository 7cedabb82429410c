"""Usage in sums: by day, by service, by user."""

from __future__ import annotations

import datetime
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUsed:
    """What one day (UTC) used."""

    date: datetime.date
    credits_used: int
    request_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUsed:
    """What one service used."""

    service_name: str
    credits_used: int
    request_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUsed:
    """What one person used."""

    user_id: str
    user_email: str
    user_name: str
    credits_used: int
    request_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageGroup:
    """The usage of one day, service or user."""

    date: datetime.date | None = None
    service_name: str | None = None
    user_id: str | None = None
    user_email: str | None = None
    user_name: str | None = None
    credits_used: int
    request_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Usage, summed up."""

    group_by: str
    start: datetime.datetime
    end: datetime.datetime
    credits_used: int
    request_count: int
    groups: tuple[UsageGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """The usage of the last 30 days, net of refunds."""

    credits_used: int
    request_count: int
    by_service: tuple[ServiceUsed, ...]
    by_day: tuple[DayUsed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgUsageReport:
    """The same, by person too."""

    credits_used: int
    request_count: int
    by_service: tuple[ServiceUsed, ...]
    by_day: tuple[DayUsed, ...]
    by_user: tuple[UserUsed, ...]
