"""Members and what they may spend: bars of allocations, and who used most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import BigIntegerField, F, FloatField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, NullIf

from credits.models import Allocation
from credits.reports.selection import Selection
from credits.reports.usage import WINDOW
from credits.thresholds import percent_of
from organizations.models import Member
from orgbilling.lib.clock import now

PAGE_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class MemberBar:
    """One member, and the allocation if there is an active one; without it every number is 0.

    allocated = used + held + remaining, in the current period; expired holds count as released. `is_low`: at or below
    one of the allocation's thresholds.
    """

    member_id: UUID
    user_id: UUID
    name: str
    email: str
    role: str
    allocation_id: UUID | None = None
    budget: int = 0
    used: int = 0
    held: int = 0
    remaining: int = 0
    reset_period: str = ""
    next_reset: datetime | None = None
    is_low: bool = False

    @property
    def allocated(self) -> int:
        """Used, held and remaining together."""
        return self.used + self.held + self.remaining

    @property
    def percent_used(self) -> int:
        """Of what is allocated, 0 to 100, rounded down."""
        return self._percent(self.used)

    @property
    def percent_held(self) -> int:
        """Of what is allocated, 0 to 100, rounded down."""
        return self._percent(self.held)

    @property
    def percent_remaining(self) -> int:
        """What is neither used nor held, so that the three are 100 together; 0 without an allocation."""
        return 100 - self.percent_used - self.percent_held if self.allocated else 0

    def _percent(self, part: int) -> int:
        return part * 100 // self.allocated if self.allocated else 0


@dataclass(frozen=True, slots=True)
class MemberPage:
    """Some members, and how many there are in all that were searched for."""

    members: tuple[MemberBar, ...]
    count: int


#: Name -> how members are ordered by it.
ORDERS: Final[dict[str, tuple[Any, ...]]] = {
    "name": ("user__name", "user__email"),
    "used": ("-used", "user__email"),
    "remaining": ("remaining", "user__email"),
    "role": ("role", "user__email"),
    "need": (F("left").asc(nulls_last=True), "user__email"),
}


def members(
    org_id: UUID, *, search: str = "", order: str = "used", limit: int = 50, offset: int = 0
) -> MemberPage:
    """A page of an organization's members with their allocations. Three queries.

    Args:
        search: a part of the name or the e-mail address, in any case.
        order: ``name``, ``used`` (most first), ``remaining`` (least first), ``role``, or ``need`` (the least part of
            the allocation left first, who has none last).
        limit: 1 to 500.

    Raises:
        KeyError: another order.
        ValueError: a limit or offset out of range.
    """
    if not 1 <= limit <= PAGE_MAX or offset < 0:
        message = "A page has 1 to 500 members and begins at 0 or later."
        raise ValueError(message)
    found = Member.objects.filter(org_id=org_id)
    for word in search.split():
        found = found.filter(Q(user__email__icontains=word) | Q(user__name__icontains=word))
    count = found.count()
    ordered = found.select_related("user").annotate(
        used=_of_allocation(org_id, "used_credits"),
        remaining=_of_allocation(org_id, "remaining_credits"),
        left=_part_left(org_id),
    )
    page = list(ordered.order_by(*ORDERS[order], "pk")[offset : offset + limit])
    allocations = {
        row.user_id: row
        for row in Allocation.objects.for_display().filter(
            org_id=org_id, is_active=True, user_id__in=[member.user_id for member in page]
        )
    }
    return MemberPage(
        tuple(bar_of(member, allocations.get(member.user_id)) for member in page), count
    )


def bar_of(member: Member, allocation: Allocation | None) -> MemberBar:
    """A member's bar; the allocation as ``Allocation.objects.for_display`` reads it."""
    person = (member.pk, member.user_id, member.user.name, member.user.email, member.role)
    if allocation is None:
        return MemberBar(*person)
    return MemberBar(
        *person,
        allocation_id=allocation.pk,
        budget=allocation.budget_credits,
        used=allocation.used_credits,
        held=allocation.current_held_credits,
        remaining=allocation.current_remaining_credits,
        reset_period=allocation.reset_period,
        next_reset=allocation.next_reset_date,
        is_low=allocation.current_allocated_credits > 0 and allocation.alert_level.is_low,
    )


def top_members(
    org_id: UUID, limit: int = 10, since: datetime | None = None
) -> list[dict[str, Any]]:
    """The members that used most since a moment, 30 days ago by default; former ones too. One query.

    Each has ``user_id``, ``user_email``, ``user_name``, ``credits_used`` and ``request_count``.
    """
    return Selection(since or now() - WINDOW, org_ids=(org_id,)).by_user(limit)


def low_allocations(org_id: UUID) -> QuerySet[Allocation]:
    """Active allocations at or below a threshold whose reset isn't due yet, the emptiest first."""
    return (
        Allocation.objects.for_display()
        .annotate(
            current=F("remaining_credits") + F("elapsed_held") - F("elapsed_overage"),
        )
        .filter(
            Q(next_reset_date__isnull=True) | Q(next_reset_date__gt=now()),
            # What expired holds give back only adds: it is looked for where it may matter.
            is_low("remaining_credits"),
            is_low("current"),
            org_id=org_id,
            is_active=True,
            allocated_credits__gt=0,
        )
        .order_by("current", "pk")
    )


def is_low(column: str) -> Q:
    """Whether a column of an allocation's credits is at or below one of its thresholds."""
    part = percent_of("allocated_credits", F("alert_threshold_percent"))
    return Q(**{f"{column}__lte": part}) | Q(**{f"{column}__lte": F("alert_threshold_credits")})


def _of_allocation(org_id: UUID, column: str) -> Coalesce:
    return Coalesce(
        Subquery(_active(org_id).values(column)[:1], output_field=BigIntegerField()),
        Value(0),
        output_field=BigIntegerField(),
    )


def _part_left(org_id: UUID) -> Subquery:
    """What is left for each credit allocated; null without an allocation."""
    part = Cast("remaining_credits", FloatField()) / NullIf("allocated_credits", Value(0))
    return Subquery(_active(org_id).values(part=part)[:1], output_field=FloatField())


def _active(org_id: UUID) -> QuerySet[Allocation]:
    # The organization as a value: Citus finds the one machine by it, which it can't by a column of another table.
    return Allocation.objects.filter(org_id=org_id, user_id=OuterRef("user_id"), is_active=True)
