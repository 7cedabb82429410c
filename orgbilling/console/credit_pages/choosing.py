"""The members that credits can be given to: as many as a page can show, found by name, the chosen ones always there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import F, Q, QuerySet

from credits.choices import ResetPeriod
from credits.models import Allocation
from organizations.choices import Role
from organizations.models import Member
from orgbilling.console.credit_pages.wording import person_of

#: Members listed at once, beside the chosen ones; the others are found by searching.
SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of the list."""

    user_id: str
    name: str
    email: str
    role: str
    remaining: int | None
    period: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Candidates:
    """The list; `more`: members that match but are not on it."""

    rows: list[Candidate]
    more: int


def candidates(org_id: UUID, chosen: Iterable[str], search: str) -> Candidates:
    """The chosen members first, then those whose name or address has the text, by name."""
    picked = set(chosen)
    members = Member.objects.filter(org_id=org_id).select_related("user")
    first = list(_by_name(members.filter(user_id__in=picked)))
    others = members.exclude(user_id__in=picked)
    if search:
        others = others.filter(Q(user__name__icontains=search) | Q(user__email__icontains=search))
    rest = list(_by_name(others)[:SHOWN])
    more = others.count() - len(rest) if len(rest) == SHOWN else 0
    rows = [*first, *rest]
    allocations = {
        allocation.user_id: allocation
        for allocation in Allocation.objects.for_display().filter(
            org_id=org_id, is_active=True, user_id__in=[row.user_id for row in rows]
        )
    }
    return Candidates(
        [_row(row, allocations.get(row.user_id), str(row.user_id) in picked) for row in rows], more
    )


def members_by_id(org_id: UUID, user_ids: Iterable[str]) -> dict[str, Member]:
    """Those of the ids that are members now, in the order of lists: by name, then address."""
    rows = Member.objects.filter(org_id=org_id, user_id__in=set(user_ids)).select_related("user")
    return {str(row.user_id): row for row in _by_name(rows)}


def _by_name(rows: QuerySet[Member]) -> QuerySet[Member]:
    return rows.order_by(F("user__name"), F("user__email"), "pk")


def _row(member: Member, allocation: Allocation | None, chosen: bool) -> Candidate:  # noqa: FBT001
    return Candidate(
        user_id=str(member.user_id),
        name=member.user.name or member.user.email,
        email=member.user.email,
        role=Role(member.role).label,
        remaining=allocation.current_remaining_credits if allocation is not None else None,
        period=ResetPeriod(allocation.reset_period).label if allocation is not None else "",
        chosen=chosen,
    )


def label_of(member: Member) -> str:
    """The member in a review."""
    return person_of(member.user)
