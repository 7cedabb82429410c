"""The model's state, and what time does to it.

Written from the rules (docs/ledger.md and the design), never from the SQL. Amounts are plain integers, moments
are whole seconds in UTC, members are numbered. What an operation refuses undoes all that it did.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from tests.model.buckets import Allocation, Counts, Hold, Pool, Refused, Usage
from tests.model.calendar import boundaries, boundary_after

MAX_AMOUNT = 10**15
MAX_BALANCE = 9 * 10**18
#: Of each service the versions of its price: from when, and for one, by plan.
Prices = dict[str, list[tuple[datetime, dict[str, int]]]]


class Ledger:
    """One organization's credits."""

    def __init__(self, zone: str, now: datetime, prices: Prices) -> None:
        self.zone = zone
        self.now = now
        self.prices = {service: list(versions) for service, versions in prices.items()}
        self.pool = Pool()
        self.members: set[int] = set()
        self.allocations: dict[int, Allocation] = {}
        self.holds: list[Hold] = []
        self.usages: list[Usage] = []
        self.counts = Counts()

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """All of the block or nothing of it."""
        pool, counts, members = copy.copy(self.pool), copy.copy(self.counts), set(self.members)
        closed = list(self.counts.overage_periods)
        allocations = {user: copy.copy(each) for user, each in self.allocations.items()}
        # What is settled or charged changes no more until the last refusal has been thought of.
        holds = {h.number: copy.copy(h) for h in self.holds if h.status == "pending"}
        placed, charged = len(self.holds), len(self.usages)
        try:
            yield
        except Refused:
            self.pool, self.counts, self.members = pool, counts, members
            self.counts.overage_periods = closed
            self.allocations = allocations
            del self.holds[placed:]
            del self.usages[charged:]
            for number, hold in holds.items():
                self.holds[number] = hold
            raise

    # -- What time does

    def reset_due(self, allocation: Allocation) -> bool:
        """Whether a period has elapsed that nobody has closed."""
        return (
            allocation.active
            and allocation.next_reset is not None
            and allocation.next_reset <= self.now
        )

    def reset(self, allocation: Allocation) -> bool:
        """Close elapsed periods and open the current one, once: fill up to the budget."""
        if not self.reset_due(allocation):
            return False
        begun = boundaries(
            allocation.anchor,
            allocation.period,
            self.zone,
            allocation.last_reset or allocation.anchor,
            self.now,
        )[-1]
        wanted = max(0, allocation.budget - allocation.remaining - allocation.held)
        given = min(wanted, self.pool.available)
        allocation.used = 0
        allocation.remaining += given
        self.pool.allocated += given
        allocation.last_reset = begun
        allocation.next_reset = boundary_after(
            allocation.anchor, allocation.period, self.zone, begun
        )
        self.counts.resets += 1
        return True

    def refresh(self) -> int:
        """Grant every month that has begun and that the subscription reached into."""
        pool, grants = self.pool, 0
        while pool.next_refresh is not None and pool.next_refresh <= self.now:
            begun = pool.next_refresh
            if pool.spending_until is not None and pool.spending_until > begun:
                pool.total += pool.refresh_amount
                grants += 1
            assert pool.refresh_anchor is not None
            pool.next_refresh = boundary_after(pool.refresh_anchor, "monthly", self.zone, begun)
        self.counts.refreshes += grants
        return grants

    def close_overage(self) -> None:
        """The period that has ended is billed and its counter starts again."""
        pool = self.pool
        if pool.overage_end is None or pool.overage_end > self.now:
            return
        if pool.overage_used_period:
            self.counts.overage_periods.append((pool.overage_end, pool.overage_used_period))
        pool.overage_used_period = 0
        pool.overage_start, pool.overage_end = pool.overage_end, None

    def expire(self, allocation: Allocation, until: datetime | None = None) -> int:
        """Close this member's holds whose time has passed, by now or by an earlier moment."""
        until = until or self.now
        elapsed = [
            hold
            for hold in self.holds
            if hold.user == allocation.user and hold.status == "pending" and hold.expires <= until
        ]
        for hold in elapsed:
            self.close_hold(hold, "expired")
        return len(elapsed)

    def elapsed(self, hold: Hold) -> bool:
        return hold.expires <= self.now

    def expire_before_the_bill(self, allocations: list[Allocation]) -> None:
        """What a hold drew over the pool and gave back before the period's end is not billed."""
        end = self.pool.overage_end
        if end is not None and end <= self.now:
            for allocation in allocations:
                self.expire(allocation, end)

    def settle(self, allocation: Allocation) -> None:
        """All that time has done by now, in the order of the rules."""
        self.refresh()
        self.expire_before_the_bill([allocation])
        self.close_overage()
        self.expire(allocation)
        self.reset(allocation)

    def sweep(self) -> None:
        """What the jobs do: all that time has done, for everybody."""
        self.refresh()
        self.expire_before_the_bill(list(self.allocations.values()))
        self.close_overage()
        for _, allocation in sorted(self.allocations.items()):
            self.expire(allocation)
            self.reset(allocation)

    # -- What gives credits back

    def close_hold(self, hold: Hold, status: str) -> None:
        """What is not captured goes back: overage of this period to its counters, the rest to the member."""
        allocation = self.allocations[hold.user]
        rest = hold.rest
        back = hold.overage_left if self.in_overage_period(hold.created) else 0
        self.return_overage(back)
        hold.returned += back
        if status == "expired":
            hold.expired = rest
        else:
            hold.released = rest
        hold.status = status
        allocation.held -= rest
        allocation.remaining += rest - back
        self.leave_nothing(allocation)

    def in_overage_period(self, moment: datetime) -> bool:
        start = self.pool.overage_start
        return start is None or moment >= start

    def return_overage(self, credits: int) -> None:
        self.pool.overage_used -= credits
        self.pool.overage_used_period -= credits

    def leave_nothing(self, allocation: Allocation) -> None:
        """A former member keeps no credits: they go to the pool at once."""
        if not allocation.active:
            self.pool.allocated -= allocation.remaining
            allocation.remaining = 0

    # -- What is asked

    def member(self, user: int) -> None:
        if user not in self.members:
            raise Refused("not_a_member")

    def allocation(self, user: int) -> Allocation:
        """A member's allocation that may spend."""
        self.member(user)
        return self.open_allocation(user)

    def open_allocation(self, user: int) -> Allocation:
        allocation = self.allocations.get(user)
        if allocation is None:
            raise Refused("no_allocation")
        if not allocation.active:
            raise Refused("allocation_inactive")
        return allocation

    def spending(self) -> None:
        until = self.pool.spending_until
        if until is None or until <= self.now:
            raise Refused("subscription_inactive")

    @staticmethod
    def in_range(amount: int) -> None:
        if not 1 <= amount <= MAX_AMOUNT:
            raise Refused("validation_error")

    def plan(self) -> str:
        pool = self.pool
        if pool.next_plan is not None and pool.next_plan_at <= self.now:
            return pool.next_plan
        return pool.plan or "platform"

    def price(self, service: str, quantity: int) -> int:
        """Credits for that many, under the plan."""
        if service not in self.prices:
            raise Refused("unknown_service")
        _, prices = max(
            (version for version in self.prices[service] if version[0] <= self.now),
            key=lambda version: version[0],
        )
        credits = prices[self.plan()] * quantity
        if credits > MAX_AMOUNT:
            raise Refused("validation_error")
        return credits
