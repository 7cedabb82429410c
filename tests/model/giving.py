"""Filling the pool, giving to members and taking back, members and settings, as the rules have them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from tests.model.buckets import Allocation, Refused
from tests.model.calendar import boundary_after
from tests.model.ledger import MAX_BALANCE
from tests.model.spending import Short, Spending

#: Moments beyond it mean "never".
END = datetime(2100, 1, 1, tzinfo=UTC)


class Model(Spending):
    """All that can be done to one organization's credits."""

    def add(self, credits: int) -> int:
        """New credits for the pool; what it has available then."""
        with self.deciding():
            self.in_range(credits)
            if self.pool.total + credits > MAX_BALANCE:
                raise Refused("account_limit_exceeded")
            self.pool.total += credits
            return self.pool.available

    def allocate(
        self, user: int, credits: int, period: str | None, *, recurring: bool
    ) -> tuple[Allocation, bool]:
        """From the pool to a member; the allocation, and whether it was made."""
        with self.deciding():
            self.in_range(credits)
            self.member(user)
            allocation = self.allocations.get(user)
            created = allocation is None
            if allocation is None:
                allocation = self.allocations[user] = Allocation(user, self.now, "")
                self.restart(allocation, period or "monthly")
                self.settle(allocation)
            else:
                self.settle(allocation)
                if not allocation.active:
                    # Who comes back begins anew.
                    allocation.active = True
                    self.restart(allocation, period or allocation.period)
                    # The new period begins after all that the old one used.
                    old = [usage.created for usage in self.usages if usage.user == user]
                    begun = max([self.now, allocation.last_reset or self.now, *old])
                    allocation.used, allocation.last_reset = 0, begun + timedelta(microseconds=1)
                    self.counts.resets += 1
                elif period not in {None, allocation.period}:
                    self.restart(allocation, period)
            if self.pool.available < credits:
                raise Refused(
                    "insufficient_pool_credits", requested=credits, available=self.pool.available
                )
            self.pool.allocated += credits
            allocation.remaining += credits
            allocation.budget += credits if recurring else 0
            return allocation, created

    def restart(self, allocation: Allocation, period: str) -> None:
        """Another rhythm; weeks and months still begin on the day on which the allocation was made."""
        allocation.period = period
        allocation.next_reset = boundary_after(allocation.anchor, period, self.zone, self.now)

    def reclaim(self, user: int, credits: int | None) -> Allocation:
        """Unspent credits back to the pool; the budget falls with them."""
        with self.deciding():
            if credits is not None:
                self.in_range(credits)
            allocation = self.open_allocation(user)
            self.settle(allocation)
            taken = allocation.remaining if credits is None else credits
            if taken > allocation.remaining:
                raise Refused(
                    "insufficient_credits", requested=taken, remaining=allocation.remaining
                )
            allocation.remaining -= taken
            allocation.budget = max(0, allocation.budget - taken)
            self.pool.allocated -= taken
            return allocation

    def leave(self, user: int) -> None:
        """A member goes; what is unspent returns, what is held stays capturable."""
        with self.deciding():
            if user not in self.members:
                raise Refused("not_found")
            self.members.remove(user)
            allocation = self.allocations.get(user)
            if allocation is not None and allocation.active:
                # No period is opened for who leaves, and the pool's months can wait.
                allocation.active = False
                self.expire_before_the_bill([allocation])
                self.close_overage()
                self.expire(allocation)
                allocation.budget = 0
                self.leave_nothing(allocation)

    def join(self, user: int) -> None:
        """A member again, with no credits."""
        if user in self.members:
            raise Refused("already_member")
        self.members.add(user)

    def entitle(
        self,
        until: datetime | None,
        plan: str | None,
        next_plan: str | None,
        next_plan_at: datetime | None,
    ) -> None:
        """What the subscription lets spend. What it did until now is granted by what it was."""
        self.refresh()
        self.pool.spending_until = until
        self.pool.plan = plan
        self.pool.next_plan = next_plan
        self.pool.next_plan_at = next_plan_at

    def reprice(self, service: str, prices: dict[str, int], start: datetime) -> None:
        """A new version of a price, from a moment on."""
        self.prices[service].append((start, prices))

    def change_settings(
        self,
        *,
        refresh_amount: int | None = None,
        allow_overage: bool | None = None,
        overage_limit: int | None = None,
    ) -> None:
        """The pool's settings. What has elapsed is settled by the settings there were."""
        with self.deciding():
            pool = self.pool
            self.refresh()
            self.close_overage()
            if allow_overage is not None:
                pool.allow_overage = allow_overage
            if overage_limit is not None:
                if overage_limit < pool.overage_used_period:
                    raise Refused("validation_error")
                pool.overage_limit = overage_limit
            if refresh_amount is not None:
                self.set_refresh(refresh_amount)

    def set_refresh(self, amount: int) -> None:
        pool = self.pool
        if amount == 0:
            pool.next_refresh = None
        elif pool.refresh_amount == 0:
            pool.refresh_anchor = self.now
            pool.next_refresh = boundary_after(self.now, "monthly", self.zone, self.now)
        pool.refresh_amount = amount

    def set_overage_period(self, start: datetime | None, end: datetime | None) -> None:
        """Billing says when the period ends that is billed next."""
        self.sweep()
        if start is not None:
            self.pool.overage_start = start
        self.pool.overage_end = end

    def reset_by_job(self, user: int) -> bool:
        """The job's own way to a reset that is due."""
        allocation = self.allocations.get(user)
        return allocation is not None and self.reset(allocation)

    def would_pass(self, user: int, credits: int) -> bool:
        """Whether a charge would pass now; nothing is written."""
        self.in_range(credits)
        return self.passes(user, credits, "api", None)

    def check(
        self, user: int, credits: int | None, service: str, quantity: int | None
    ) -> tuple[bool, int, int]:
        """Whether a charge would pass, what it costs, and what the member could spend; nothing is written."""
        self.in_range(credits if credits is not None else quantity or 0)
        self.member(user)
        if user not in self.allocations:
            raise Refused("no_allocation")
        needed = self.cost(credits, service, quantity)
        with self.imagining():
            self.settle(self.allocations[user])
            remaining = self.allocations[user].remaining
        return self.passes(user, credits, service, quantity), needed, remaining

    def passes(self, user: int, credits: int | None, service: str, quantity: int | None) -> bool:
        with self.imagining():
            try:
                self.draw(user, credits, service, quantity)
            except (Refused, Short):
                return False
            return True

    @contextmanager
    def imagining(self) -> Iterator[None]:
        """Nothing that the block does has happened."""
        undo = Refused("imagined")
        try:
            with self.deciding():
                yield
                raise undo
        except Refused as refused:
            if refused is not undo:
                raise

    def next_overage_start(self) -> datetime | None:
        """Where billing lets the next overage period begin: where the last one ended."""
        pool = self.pool
        if pool.overage_end is not None and pool.overage_end <= self.now:
            return pool.overage_end
        return pool.overage_start

    def next_moments(self) -> list[datetime]:
        """When something is due, from now on."""
        moments = [a.next_reset for a in self.allocations.values() if a.active]
        moments += [hold.expires for hold in self.holds if hold.status == "pending"]
        moments += [self.pool.next_refresh, self.pool.overage_end, self.pool.spending_until]
        return sorted({m for m in moments if m is not None and self.now < m < END})
