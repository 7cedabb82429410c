"""What people are told when credits run low: how much is left, of what, and what they can do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from credits.choices import ShortageLevel
from credits.models import Allocation, CreditPool, LowCreditEpisode
from organizations.choices import NoticeKind
from organizations.models import Organization
from organizations.noticing import Message, billing_people, tell

#: Members named one by one; the rest are said as a number.
NAMED: Final = 10


def of_pool(organization: Organization, pool: CreditPool, episode: LowCreditEpisode) -> None:
    """Tell the billing roles that the pool is low, or that nothing is left in it."""
    level, name = pool.alert_level, organization.display_name
    if episode.level == ShortageLevel.EXHAUSTED:
        kind = NoticeKind.POOL_EXHAUSTED
        title = f"{name} has no credits left in its pool"
        with_members = level.whole - level.left
        detail = (
            f"Members go on with the {credits_of(with_members)} that they have. "
            f"Nothing can be allocated, and resets fill nobody up.{_overage(pool)} "
            "Add credits, or take some back from members."
        )
    else:
        kind = NoticeKind.POOL_LOW
        title = (
            f"{name} has {level.left:,} of {credits_of(level.whole)} left in its pool "
            f"({level.share})"
        )
        detail = f"That is below your threshold of {level.threshold}. Add credits before members are short of them."
    tell(
        billing_people(organization.pk),
        Message(kind, str(episode.pk), title, detail, "org_add_credits", organization.pk),
    )


def of_own(
    organization: Organization, pool: CreditPool, allocation: Allocation, episode: LowCreditEpisode
) -> None:
    """Tell a member that their own credits are low, or used up."""
    if not allocation.user.is_active:
        return
    level, name = allocation.alert_level, organization.display_name
    runs_it = billing_people(organization.pk).filter(pk=allocation.user_id).exists()
    ask = " An owner, admin or billing admin can give you more."
    if runs_it:
        ask = " You can allocate more to yourself from the pool."
    if episode.level == ShortageLevel.EXHAUSTED:
        kind = NoticeKind.OWN_EXHAUSTED
        title = f"Your credits in {name} are used up"
        detail = f"Nothing is left of {credits_of(level.whole)}.{_overage(pool)}"
    else:
        kind = NoticeKind.OWN_LOW
        title = (
            f"You have {level.left:,} of {credits_of(level.whole)} left in {name} ({level.share})"
        )
        detail = f"That is at or below your threshold of {level.threshold}."
    detail += _reset(allocation.next_reset_date, organization) + ask
    tell(
        [allocation.user],
        Message(kind, str(episode.pk), title, detail, "org_dashboard", organization.pk),
    )


def of_members(
    organization: Organization, begun: Sequence[tuple[Allocation, LowCreditEpisode]]
) -> None:
    """Tell the billing roles which members are low or used up: one notice a kind for all that were noticed at once."""
    people = list(billing_people(organization.pk))
    for wanted, kind in (
        (ShortageLevel.LOW, NoticeKind.MEMBER_LOW),
        (ShortageLevel.EXHAUSTED, NoticeKind.MEMBER_EXHAUSTED),
    ):
        found = [(row, episode) for row, episode in begun if episode.level == wanted]
        for person in people:
            # Of their own they were told already.
            others = [(row, episode) for row, episode in found if row.user_id != person.pk]
            if others:
                tell([person], _of_others(organization, kind, others))


def _of_others(
    organization: Organization,
    kind: NoticeKind,
    others: Sequence[tuple[Allocation, LowCreditEpisode]],
) -> Message:
    first, episode = others[0]
    if len(others) == 1:
        level = first.alert_level
        title = f"{_line(first)} in {organization.display_name} ({level.share})"
        below = "" if level.is_out else f"That is at or below the threshold of {level.threshold}."
        detail = (below + _reset(first.next_reset_date, organization)).strip()
        detail += " Allocate more if it is needed before."
        page = f"org_allocate?user={first.user_id}"
    else:
        what = "little" if kind == NoticeKind.MEMBER_LOW else "no credits"
        title = f"{len(others):,} members of {organization.display_name} have {what} left"
        lines = [f"{_line(row)} ({row.alert_level.share})." for row, _ in others[:NAMED]]
        if len(others) > NAMED:
            lines.append(f"And {len(others) - NAMED:,} more.")
        detail, page = "\n".join(lines), "org_members"
    return Message(kind, str(episode.pk), title, detail.strip(), page, organization.pk)


def credits_of(number: int) -> str:
    """``1 credit``, ``1,500 credits``."""
    return f"{number:,} credit{'' if number == 1 else 's'}"


def _line(allocation: Allocation) -> str:
    level = allocation.alert_level
    return f"{allocation.user.get_full_name()} has {level.left:,} of {credits_of(level.whole)} left"


def _overage(pool: CreditPool) -> str:
    if not pool.allow_overage:
        return ""
    return (
        f" Charges go on as overage, up to {credits_of(pool.overage_limit)} a period, "
        "once nothing is left in the pool either."
    )


def _reset(moment: datetime | None, organization: Organization) -> str:
    if moment is None:
        return ""
    there = moment.astimezone(ZoneInfo(organization.timezone))
    return f" The next reset is on {there:%-d %b %Y at %H:%M} ({organization.timezone})."
