"""Watching balances: a crossing of an alert's threshold is noticed once, and told once.

A sweep compares what is low with the episodes that are open; a charge knows nothing of it and pays nothing for it.
What went below and came back between two sweeps needs nobody, and is not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from credits import telling
from credits.choices import ShortageLevel
from credits.models import Allocation, CreditPool, LowCreditEpisode
from credits.reports.members import is_low
from credits.thresholds import Level, percent_of
from organizations.events import emit
from organizations.models import Organization
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.transactions import run

logger = structlog.stdlib.get_logger(__name__)

#: Ended episodes are kept for a year.
KEPT: Final = timedelta(days=365)
#: Allocations looked at in one transaction, in which the pool is locked.
AT_ONCE: Final = 100
LOW, EXHAUSTED = ShortageLevel.LOW, ShortageLevel.EXHAUSTED


@dataclass(frozen=True, slots=True)
class Scope:
    """What can be low: the pool, or one member's allocation; and how it stands.

    `allocation`: None is the pool.
    """

    allocation: Allocation | None
    level: Level
    is_watched: bool

    @property
    def key(self) -> UUID | None:
        """The allocation's id; None for the pool."""
        return self.allocation.pk if self.allocation is not None else None

    def is_at(self, level: ShortageLevel) -> bool:
        """Whether it is as low as that."""
        if not self.is_watched or self.level.whole <= 0:
            return False
        return self.level.is_out if level == EXHAUSTED else self.level.is_low


def watch(limit: int = 5_000) -> int:
    """Notice what has crossed a threshold since the last sweep; returns how many organizations were looked at.

    Each is a transaction of its own, so that a sweep may be killed anywhere; one that fails is logged and must not
    keep the others waiting.

    Args:
        limit: at most this many organizations.
    """
    moved = _moved().values_list("org_id", flat=True).order_by().distinct()[:limit]
    org_ids = set(moved) | set(_moved_pools()[:limit])
    return sum(_guarded(org_id) for org_id in sorted(org_ids))


def purge() -> int:
    """Forget episodes that ended more than a year ago; returns how many."""
    return LowCreditEpisode.objects.filter(ended_at__lt=database_now() - KEPT).delete()[0]


def _guarded(org_id: UUID) -> bool:
    try:
        while run(lambda: observe(org_id)) >= AT_ONCE:
            pass
    except (OrgBillingError, DatabaseError):
        logger.exception("balances.not_watched", org_id=org_id)
        return False
    return True


def observe(org_id: UUID) -> int:
    """Open and close an organization's episodes as its balances are now, and tell of those that were opened.

    In the caller's transaction. The pool is locked first: of two sweeps the second sees what the first has done. The
    pool and at most ``AT_ONCE`` allocations are looked at; returns how many of these are done, for whoever asks
    whether there are more.

    Raises:
        NoCreditPool: there is none.
    """
    CreditPool.objects.lock(org_id)
    moment = database_now()
    moved = list(
        _moved().filter(org_id=org_id).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]
    )
    current = LowCreditEpisode.objects.current().filter(
        Q(allocation_id__isnull=True) | Q(allocation_id__in=moved), org_id=org_id
    )
    known = {(one.allocation_id, one.level): one for one in current}
    pool = CreditPool.objects.of(org_id)
    begun, done = [], 0
    for scope in _scopes(pool, moved):
        before = dict(known)
        new = [level for level in ShortageLevel if _step(scope, level, known, org_id, moment)]
        done += scope.allocation is not None and known != before
        # Of nothing left it is told that, and not also that it is low.
        if new and not (new == [LOW] and scope.is_at(EXHAUSTED)):
            begun.append((scope, known[scope.key, new[-1]]))
    _tell(pool, begun)
    return done


def _step(
    scope: Scope,
    level: ShortageLevel,
    known: dict[tuple[UUID | None, str], LowCreditEpisode],
    org_id: UUID,
    moment: datetime,
) -> bool:
    """Open or close the scope's episode of one level; whether one was opened."""
    there = known.get((scope.key, level))
    if there is not None and not scope.is_at(level):
        LowCreditEpisode.objects.end(there, moment=moment)
        del known[scope.key, level]
    if there is not None or not scope.is_at(level):
        return False
    made = LowCreditEpisode.objects.begin(
        org_id=org_id,
        allocation_id=scope.key,
        level=level,
        left=max(0, scope.level.left),
        whole=scope.level.whole,
        moment=moment,
    )
    if made is not None:
        known[scope.key, level] = made
    return made is not None


def _scopes(pool: CreditPool, moved: list[UUID]) -> Iterator[Scope]:
    """The pool, and the allocations that may have crossed a threshold."""
    yield Scope(None, pool.alert_level, is_watched=True)
    rows = Allocation.objects.for_display().filter(org_id=pool.org_id, pk__in=moved)
    for allocation in rows.order_by("pk"):
        yield Scope(allocation, allocation.alert_level, is_watched=allocation.is_active)


def _emit(episode: LowCreditEpisode, scope: Scope) -> None:
    allocation = scope.allocation
    emit(
        episode.org_id,
        "credits.exhausted" if episode.level == EXHAUSTED else "credits.low",
        {
            "of": "pool" if allocation is None else "allocation",
            "user_id": allocation.user_id if allocation is not None else None,
            "allocation_id": scope.key,
            "left_credits": episode.left_credits,
            "whole_credits": episode.whole_credits,
            "episode_id": episode.pk,
        },
        episode.began_at,
    )


def _tell(pool: CreditPool, begun: list[tuple[Scope, LowCreditEpisode]]) -> None:
    organization: Organization = pool.org
    members: list[tuple[Allocation, LowCreditEpisode]] = []
    for scope, episode in begun:
        _emit(episode, scope)
        if scope.allocation is None:
            telling.of_pool(organization, pool, episode)
        else:
            telling.of_own(organization, pool, scope.allocation, episode)
            members.append((scope.allocation, episode))
    telling.of_members(organization, members)


def _low(moment: datetime) -> Q:
    """Allocations at or below a threshold, or without anything left, whose reset isn't due yet."""
    later = Q(next_reset_date__isnull=True) | Q(next_reset_date__gt=moment)
    low = is_low("remaining_credits") | Q(remaining_credits__lte=0)
    return later & low & Q(is_active=True, allocated_credits__gt=0)


def _moved() -> QuerySet[Allocation]:
    """Allocations that are low and have no episode of it, or have one and aren't. One pass over the table."""
    episodes = LowCreditEpisode.objects.current().filter(
        org_id=OuterRef("org_id"), allocation_id=OuterRef("pk")
    )
    moment = database_now()
    low, out = _of(episodes, LOW), _of(episodes, EXHAUSTED)
    is_out = Q(is_active=True, allocated_credits__gt=0, remaining_credits__lte=0)
    is_below = Q(is_active=True, allocated_credits__gt=0) & is_low("remaining_credits")
    began = _low(moment) & ((is_below & ~low) | (is_out & ~out))
    gone = Q(is_active=False) | Q(allocated_credits=0)
    ended = (low & (gone | _not_low())) | (out & (gone | Q(remaining_credits__gt=0)))
    return Allocation.objects.filter(began | ended)


def _not_low() -> Q:
    """Above every threshold that there is; in SQL it isn't the contrary of `is_low`, which a null makes null."""
    part = percent_of("allocated_credits", F("alert_threshold_percent"))
    above_percent = Q(alert_threshold_percent__isnull=True) | Q(remaining_credits__gt=part)
    above_least = Q(alert_threshold_credits__isnull=True) | Q(
        remaining_credits__gt=F("alert_threshold_credits")
    )
    return above_percent & above_least


def _moved_pools() -> list[UUID]:
    """Organizations whose pool has crossed a threshold, in either direction."""
    episodes = LowCreditEpisode.objects.current().filter(
        org_id=OuterRef("org_id"), allocation_id__isnull=True
    )
    # Only pools near a threshold, or with an open episode, are summed up: what is there is never more than the total.
    near = Q(available_credits__lte=percent_of("total_credits", F("alert_threshold_percent")))
    near |= Q(available_credits__lt=F("alert_threshold_credits")) | Q(available_credits=0)
    low, out = _of(episodes, LOW), _of(episodes, EXHAUSTED)
    pools = CreditPool.objects.filter(near & Q(total_credits__gt=0) | low | out)
    ids = list(pools.values_list("org_id", flat=True))
    known = {
        (episode.org_id, episode.level)
        for episode in LowCreditEpisode.objects.current().filter(allocation_id__isnull=True)
    }
    found = []
    for pool in CreditPool.objects.with_totals().filter(org_id__in=ids):
        scope = Scope(None, pool.alert_level, is_watched=True)
        if any(scope.is_at(level) != ((pool.org_id, level) in known) for level in ShortageLevel):
            found.append(pool.org_id)
    return found


def _of(episodes: QuerySet[LowCreditEpisode], level: ShortageLevel) -> Exists:
    return Exists(episodes.filter(level=level))
