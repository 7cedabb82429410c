"""The model's answers in the words of the doors, each key's first answer, and the state to be found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from tests.model.buckets import Refused
from tests.model.giving import Model
from tests.model.spending import Short

Outcome = tuple[Any, ...]
#: Refusals that are final for their key.
FINAL = {"insufficient_credits", "insufficient_pool_credits"}
REFUSAL_KEPT = timedelta(days=7)


@lru_cache(maxsize=10_000)
def written(moment: datetime | None) -> str | None:
    """As PostgreSQL writes it in JSON."""
    return None if moment is None else moment.isoformat()


class Oracle(Model):
    """Says what the system must answer."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.answers: dict[tuple[str, str], tuple[Any, Outcome, datetime | None]] = {}

    def ask(self, operation: str, args: tuple[Any, ...], key: str | None) -> Outcome:
        """What the system must answer to a request, the first or another with its key."""
        work = getattr(self, f"say_{operation}")
        if key is None:
            return self.told(lambda: work(*args))[0]
        found = self.answers.get((operation, key))
        if found is not None:
            body, outcome, until = found
            if until is None or until > self.now:
                return outcome if body == args else ("idempotency_key_reused",)
        outcome, succeeded = self.told(lambda: work(*args))
        if succeeded or outcome[0] in FINAL:
            self.answers[operation, key] = (
                args,
                outcome,
                None if succeeded else self.now + REFUSAL_KEPT,
            )
        return outcome

    @staticmethod
    def told(work: Callable[[], Outcome]) -> tuple[Outcome, bool]:
        try:
            return work(), True
        except Refused as refused:
            return (refused.code, *refused.numbers.values()), False
        except Short as short:
            return ("insufficient_credits", short.requested, short.remaining), False

    def say_deduct(
        self, user: int, credits: int | None, service: str, quantity: int | None
    ) -> Outcome:
        usage, remaining = self.deduct(user, credits, service, quantity)
        return ("charged", usage.number, usage.credits, usage.overage, remaining)

    def say_hold(
        self, user: int, credits: int | None, service: str, quantity: int | None, seconds: int
    ) -> Outcome:
        hold, remaining = self.place(user, credits, service, quantity, seconds)
        return ("held", hold.number, hold.credits, remaining)

    def say_capture(self, number: int, credits: int | None) -> Outcome:
        return self.captured(number, credits, final=True)

    def say_capture_part(self, number: int, credits: int | None) -> Outcome:
        return self.captured(number, credits, final=False)

    def captured(self, number: int, credits: int | None, *, final: bool) -> Outcome:
        usage = self.capture(number, credits, final=final)
        return ("captured", usage.number, usage.credits, usage.overage)

    def say_release(self, number: int) -> Outcome:
        hold = self.release(number)
        return ("released", hold.captured)

    def say_refund(self, number: int, credits: int | None) -> Outcome:
        usage, _remaining = self.refund(number, credits)
        return ("refunded", usage.number, usage.credits, usage.overage)

    def say_batch(self, charges: tuple[Any, ...], atomic: bool) -> Outcome:
        """Atomic: all, or the first refusal and where it was."""
        if not atomic:
            return ("batch", *(self.item(end) for end in self.batch(list(charges))))
        with self.deciding():
            ends = self.batch(list(charges))
            for index, end in enumerate(ends):
                if isinstance(end, (Refused, Short)):
                    raise Refused("batch refused", index=index, item=self.item(end))
        return ("batch", *(self.item(end) for end in ends))

    def item(self, end: Any) -> Outcome:
        """One of a batch's results."""
        if isinstance(end, Refused):
            return (end.code, *end.numbers.values())
        if isinstance(end, Short):
            return ("insufficient_credits", end.requested, end.remaining)
        return ("charged", end.number, end.credits, end.overage)

    def say_reclaim(self, user: int, credits: int | None) -> Outcome:
        allocation = self.reclaim(user, credits)
        return ("reclaimed", allocation.remaining, allocation.budget)

    def say_settings(self, refresh: int | None, overage: bool | None, limit: int | None) -> Outcome:
        self.change_settings(refresh_amount=refresh, allow_overage=overage, overage_limit=limit)
        return ("set",)

    def say_overage_period(self, start: datetime | None, end: datetime | None) -> Outcome:
        self.set_overage_period(start, end)
        return ("set",)

    def say_reprice(self, service: str, prices: dict[str, int], start: datetime) -> Outcome:
        self.reprice(service, prices, start)
        return ("repriced",)

    def say_sweep(self, _order: int) -> Outcome:
        self.sweep()
        return ("swept",)

    def say_check(
        self, user: int, credits: int | None, service: str, quantity: int | None
    ) -> Outcome:
        return self.check(user, credits, service, quantity)

    def say_would_pass(self, user: int, credits: int) -> Outcome:
        return (self.would_pass(user, credits),)

    def say_add(self, credits: int, paid: int) -> Outcome:
        return ("added", self.add(credits))

    def say_allocate(self, user: int, credits: int, period: str | None, recurring: bool) -> Outcome:
        allocation, created = self.allocate(user, credits, period, recurring=recurring)
        return ("allocated", created, allocation.remaining, allocation.budget)

    def say_leave(self, user: int) -> Outcome:
        self.leave(user)
        return ("left",)

    def say_join(self, user: int) -> Outcome:
        self.join(user)
        return ("joined",)

    def say_entitle(
        self,
        until: datetime | None,
        plan: str | None,
        next_plan: str | None,
        next_plan_at: datetime | None,
    ) -> Outcome:
        self.entitle(until, plan, next_plan, next_plan_at)
        return ("entitled",)

    def say_reset(self, user: int) -> Outcome:
        return ("reset", self.reset_by_job(user))

    def state(self, users: list[str], holds: list[str]) -> dict[str, Any]:
        """What `tests.model.state` must find."""
        pool, counts = self.pool, self.counts
        return {
            "pool": [
                pool.total,
                pool.allocated,
                pool.available,
                pool.overage_used,
                pool.overage_used_period,
                pool.allow_overage,
                pool.overage_limit,
                written(pool.overage_start),
                written(pool.overage_end),
                pool.refresh_amount,
                written(pool.next_refresh),
            ],
            "allocations": {
                users[a.user]: [
                    a.budget,
                    a.used,
                    a.held,
                    a.remaining,
                    a.lifetime,
                    a.period,
                    a.active,
                    written(a.last_reset),
                    written(a.next_reset),
                ]
                for a in self.allocations.values()
            }
            or None,
            "holds": {
                holds[h.number]: [
                    users[h.user],
                    h.credits,
                    h.overage,
                    h.captured,
                    h.released,
                    h.expired,
                    h.returned,
                    h.status,
                    written(h.expires),
                ]
                for h in self.holds
            }
            or None,
            "usage": [counts.usage_rows, counts.usage_credits, counts.usage_overage],
            "journal": [counts.resets, counts.refreshes],
            "overage": [[written(end), credits] for end, credits in counts.overage_periods] or None,
        }
