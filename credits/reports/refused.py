"""Refusals of the last days, put together by member, service and reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from credits.models import Refusal
from credits.models.refusal import OTHER_SERVICES, OTHERS
from organizations.models import User
from orgbilling.lib.clock import now
from orgbilling.web.problems import PROBLEMS


@dataclass(frozen=True, slots=True)
class RefusalGroup:
    """How often one member was refused one service for one reason, and the last time.

    Attributes:
        user_id: None stands for everybody beyond those that are counted apart.
        name, email: empty for somebody whom the service doesn't know.
        service_name: empty stands for all services beyond those that are counted apart.
        code, reason: the error's code, and its title in words.
        refused_by: the limit that refused.
        requested_credits, remaining_credits: of the last refusal that says them.
    """

    user_id: UUID | None
    name: str
    email: str
    service_name: str
    code: str
    reason: str
    refused_by: str
    count: int
    last_at: datetime
    requested_credits: int | None
    remaining_credits: int | None


DAYS: Final = 7


def recent_refusals(
    org_id: UUID, days: int = DAYS, limit: int = 50, *, user_id: UUID | None = None
) -> list[RefusalGroup]:
    """The refusals of the last days, the last refused first; one person's only when asked. Two queries.

    At most 501 rows a day are kept of an organization, and no more are read.
    """
    rows = Refusal.objects.of(org_id).filter(last_at__gte=now() - timedelta(days=days))
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    groups: dict[tuple[UUID, str, str], list[Refusal]] = {}
    for row in rows:
        groups.setdefault((row.user_id, row.service_name, row.code), []).append(row)
    shown = list(groups.values())[:limit]
    people = User.objects.in_bulk({rows[0].user_id for rows in shown})
    return [_group(rows, people.get(rows[0].user_id)) for rows in shown]


def _group(rows: list[Refusal], person: User | None) -> RefusalGroup:
    """Of rows of one group, the last refused first."""
    last = rows[0]
    problem = PROBLEMS.get(last.code)
    return RefusalGroup(
        user_id=last.user_id if last.user_id != OTHERS else None,
        name=person.get_full_name() if person is not None else "",
        email=person.email if person is not None else "",
        service_name=last.service_name if last.service_name != OTHER_SERVICES else "",
        code=last.code,
        reason=problem.title if problem is not None else last.code,
        refused_by=last.refused_by,
        count=sum(row.count for row in rows),
        last_at=last.last_at,
        requested_credits=_first(row.requested_credits for row in rows),
        remaining_credits=_first(row.remaining_credits for row in rows),
    )


def _first(values: Iterable[int | None]) -> int | None:
    return next((value for value in values if value is not None), None)
