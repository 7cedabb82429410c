"""Charges, holds and refunds, as the rules have them."""

from __future__ import annotations

from datetime import timedelta

from tests.model.buckets import Allocation, Hold, Refused, Usage
from tests.model.ledger import Ledger

#: Who, how many credits, or which service how often.
Request = tuple[int, int | None, str, int | None]


class Spending(Ledger):
    """What members do with their credits."""

    def cost(self, credits: int | None, service: str, quantity: int | None) -> int:
        """Credits as sent, or what the catalogue asks for."""
        return self.price(service, quantity or 0) if credits is None else credits

    def needs_pool(
        self, user: int, credits: int | None, service: str, quantity: int | None
    ) -> bool:
        """Whether a charge can't be made by a look at the allocation alone."""
        try:
            allocation = self.allocation(user)
            self.spending()
            needed = self.cost(credits, service, quantity)
        except Refused:
            return True
        return self.reset_due(allocation) or allocation.remaining < needed

    def draw(
        self,
        user: int,
        credits: int | None,
        service: str,
        quantity: int | None,
        *,
        under_locks: bool = False,
    ) -> tuple[Allocation, int, int]:
        """Let a member pay, from what remains first, then overage; the allocation, the cost and its overage.

        What falls short is no refusal that undoes: `short` is raised by the caller after what time did was kept.
        """
        # An amount that no request may name is no matter of the ledger's.
        self.in_range(credits if credits is not None else quantity or 0)
        allocation = self.allocation(user)
        self.spending()
        needed = self.cost(credits, service, quantity)
        overage = 0
        if under_locks or self.reset_due(allocation) or allocation.remaining < needed:
            self.settle(allocation)
            overage = max(0, needed - allocation.remaining)
            if overage and not self.may_overdraw(overage):
                raise Short(needed, allocation.remaining)
        self.pool.overage_used += overage
        self.pool.overage_used_period += overage
        allocation.remaining -= needed - overage
        return allocation, needed, overage

    def may_overdraw(self, credits: int) -> bool:
        """Only when the pool can't pay either, and up to the period's limit."""
        pool = self.pool
        return (
            pool.available < credits
            and pool.allow_overage
            and pool.overage_used_period + credits <= pool.overage_limit
        )

    def record(self, allocation: Allocation, credits: int, overage: int, operation: str) -> Usage:
        """One usage row."""
        allocation.used += credits
        allocation.lifetime += credits
        return self.row(allocation.user, credits, overage, operation)

    def row(self, user: int, credits: int, overage: int, operation: str) -> Usage:
        # A row belongs to the period that counts it, which may have begun a moment later.
        created = max(self.now, self.allocations[user].last_reset or self.now)
        usage = Usage(len(self.usages), user, credits, overage, created, operation)
        self.usages.append(usage)
        self.counts.usage_rows += 1
        self.counts.usage_credits += credits
        self.counts.usage_overage += overage
        return usage

    def deduct(
        self, user: int, credits: int | None, service: str, quantity: int | None
    ) -> tuple[Usage, int]:
        """Charge; the usage row and what remains."""
        with self.deciding():
            allocation, needed, overage = self.draw(user, credits, service, quantity)
            return self.record(allocation, needed, overage, "deduct"), allocation.remaining

    def batch(self, charges: list[Request]) -> list[Usage | Refused | Short]:
        """Many charges in their order, each as if it came alone; when all can be paid, nobody looks at the pool."""
        try:
            with self.deciding():
                return [self.charge_alone(charge) for charge in charges]
        except Refused:
            pass
        ends: list[Usage | Refused | Short] = []
        for charge in charges:
            try:
                with self.deciding():
                    allocation, needed, overage = self.draw(*charge, under_locks=True)
                    ends.append(self.record(allocation, needed, overage, "deduct"))
            except (Refused, Short) as refusal:
                ends.append(refusal)
        return ends

    def charge_alone(self, charge: Request) -> Usage:
        if self.needs_pool(*charge):
            raise Refused("needs_pool")
        allocation, needed, overage = self.draw(*charge)
        return self.record(allocation, needed, overage, "deduct")

    def place(
        self, user: int, credits: int | None, service: str, quantity: int | None, seconds: int
    ) -> tuple[Hold, int]:
        """Set credits aside; the hold and what remains."""
        with self.deciding():
            allocation, needed, overage = self.draw(user, credits, service, quantity)
            allocation.held += needed
            hold = Hold(
                len(self.holds),
                user,
                needed,
                overage,
                self.now,
                self.now + timedelta(seconds=seconds),
            )
            self.holds.append(hold)
            return hold, allocation.remaining

    def open_hold(self, hold: Hold) -> Allocation:
        if hold.status != "pending" or self.elapsed(hold):
            raise Refused("hold_not_pending")
        return self.allocations[hold.user]

    def capture(self, number: int, credits: int | None, *, final: bool) -> Usage:
        """Charge a part of a hold, or the rest of it; when that was the last part, the rest goes back."""
        with self.deciding():
            if credits is not None:
                self.in_range(credits)
            hold = self.holds[number]
            request = ("capture", credits)
            if final and hold.settled_by == request:
                assert hold.final_usage is not None
                return self.usages[hold.final_usage]
            allocation = self.open_hold(hold)
            if credits is None:
                credits = hold.rest
            nothing_left = hold.rest == 0 and hold.credits > 0
            if credits > hold.rest or (nothing_left and not final):
                raise Refused("hold_amount_exceeded", requested=credits, left=hold.rest)
            former = not allocation.active and final and credits < hold.rest
            if hold.overage or self.reset_due(allocation) or former:
                self.settle(allocation)
            overage = hold.overage_left
            hold.captured += credits
            overage -= hold.overage_left
            allocation.held -= credits
            usage = self.record(allocation, credits, overage, "capture")
            if final:
                self.close_hold(hold, "captured")
                hold.final_usage = usage.number
                hold.settled_by = request
            return usage

    def release(self, number: int) -> Hold:
        """Give all that is not captured back."""
        with self.deciding():
            hold = self.holds[number]
            if hold.settled_by == ("release",):
                return hold
            allocation = self.open_hold(hold)
            if hold.overage or not allocation.active:
                self.settle(allocation)
            self.close_hold(hold, "released")
            hold.settled_by = ("release",)
            return hold

    def refund(self, number: int, credits: int | None) -> tuple[Usage, int]:
        """Give back a part of a charge, or what is left of it; the refund's row and what remains."""
        with self.deciding():
            if credits is not None:
                self.in_range(credits)
            usage = self.usages[number]
            left = usage.credits - usage.refunded
            if credits is None:
                credits = left
            if credits < 1 or credits > left:
                raise Refused("refund_exceeds_usage", requested=credits, refundable=left)
            allocation = self.allocations[usage.user]
            if usage.overage or self.reset_due(allocation) or not allocation.active:
                self.settle(allocation)
            back = 0
            if self.in_overage_period(usage.created):
                back = min(
                    credits,
                    usage.overage - usage.refunded_overage,
                    self.pool.overage_used_period,
                )
            self.return_overage(back)
            usage.refunded += credits
            usage.refunded_overage += back
            allocation.lifetime -= credits
            if allocation.last_reset is None or usage.created >= allocation.last_reset:
                allocation.used -= credits
            allocation.remaining += credits - back
            remaining = allocation.remaining
            self.leave_nothing(allocation)
            return self.row(usage.user, -credits, -back, "refund"), remaining


class Short(Exception):
    """Neither the member nor overage can pay. A final answer: what time did before it stays done."""

    def __init__(self, requested: int, remaining: int) -> None:
        super().__init__("insufficient_credits")
        self.requested = requested
        self.remaining = remaining
