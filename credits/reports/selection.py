"""Which usage a report is about, and its sums: from what is summed up where that knows enough, else from rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from credits.models import Usage
from credits.reports import rolled
from credits.reports.windows import parts

CHARGES: Final = Q(refund_of__isnull=True)


@dataclass(frozen=True, slots=True)
class Selection:
    """Usage from a moment on, up to but without another; None: no end, and everybody or everything.

    The sums are net of refunds, and requests count charges only.
    """

    since: datetime
    until: datetime | None = None
    org_ids: tuple[UUID, ...] | None = None
    user_id: UUID | None = None
    service_name: str | None = None
    service_type: str | None = None

    def by_day(self) -> list[dict[str, Any]]:
        """Sums of each day (UTC), the oldest first."""
        dimension = self._dimension()
        if dimension is None:
            return grouped(self.rows().values(date=TruncDate("created_at")), "date")
        found = self._sums(dimension, rolled.DAY, around="SELECT * FROM ({}) AS sums ORDER BY 1")
        return [_named(row, "date") for row in found]

    def by_service(self) -> list[dict[str, Any]]:
        """Sums of each service, the most used first."""
        if self._dimension("service_name") is None:
            return grouped(self.rows().values("service_name"), "-credits_used", "service_name")
        around = "SELECT * FROM ({}) AS sums ORDER BY credits_used DESC, name"
        return [
            _named(row, "service_name")
            for row in self._sums("service_name", rolled.NAME, around=around)
        ]

    def by_user(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Sums of each user, who used most first; the first ``limit`` of them, all by default."""
        if self._dimension("user_id") is None:
            people = {"user_email": F("user__email"), "user_name": F("user__name")}
            named = self.rows().values("user_id", **people)
            return grouped(named, "-credits_used", "user_id", limit=limit)
        around = (
            "SELECT sums.name, users.email, users.name, credits_used, request_count"  # noqa: S608 - our own
            " FROM ({}) AS sums JOIN users ON users.id = sums.name"
            f" ORDER BY credits_used DESC, sums.name{_limit(limit)}"
        )
        names = ("user_id", "user_email", "user_name")
        return [_named(row, *names) for row in self._sums("user_id", rolled.NAME, around=around)]

    def by_organization(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Sums of each organization, which used most first."""
        dimension = self._dimension()
        if dimension is None:
            named = self.rows().values("org_id", org_name=F("org__display_name"))
            return grouped(named, "-credits_used", "org_id", limit=limit)
        around = (
            "SELECT sums.org_id, organizations.display_name, credits_used, request_count"  # noqa: S608 - our own
            " FROM ({}) AS sums JOIN organizations ON organizations.id = sums.org_id"
            f" ORDER BY credits_used DESC, sums.org_id{_limit(limit)}"
        )
        found = self._sums(dimension, rolled.ORG, around=around)
        return [_named(row, "org_id", "org_name") for row in found]

    def rows(self) -> QuerySet[Usage]:
        """The usage rows themselves."""
        exact = {
            "created_at__lt": self.until,
            "user_id": self.user_id,
            "service_name": self.service_name,
            "service_type": self.service_type,
        }
        given = {name: value for name, value in exact.items() if value is not None}
        found = Usage.objects.filter(created_at__gte=self.since, **given)
        return found if self.org_ids is None else found.filter(org_id__in=self.org_ids)

    def _dimension(self, wanted: str | None = None) -> str | None:
        """What cells have to tell apart, which is one thing at most; None: only rows know it."""
        told = {wanted} if wanted is not None else set()
        told |= {name for name in ("service_name", "user_id") if getattr(self, name) is not None}
        if self.service_type is not None or len(told) > 1:
            return None
        return told.pop() if told else "service_name"

    def _sums(self, dimension: str, group: str, *, around: str) -> list[tuple[Any, ...]]:
        return rolled.sums(
            dimension,
            [group],
            list(parts(self.since, self.until)),
            org_ids=self.org_ids,
            only=getattr(self, dimension),
            around=around,
        )


def grouped(groups: Any, *order: str, limit: int | None = None) -> list[dict[str, Any]]:
    """Sums groups of rows; PostgreSQL sums BIGINT as NUMERIC, which is made whole again here."""
    sums = groups.annotate(
        credits_used=Sum("credits_used", default=0), request_count=Count("pk", filter=CHARGES)
    )
    return [
        {**row, "credits_used": int(row["credits_used"])} for row in sums.order_by(*order)[:limit]
    ]


def _named(row: tuple[Any, ...], *names: str) -> dict[str, Any]:
    return dict(zip((*names, "credits_used", "request_count"), row, strict=True))


def _limit(limit: int | None) -> str:
    return "" if limit is None else f" LIMIT {limit:d}"
