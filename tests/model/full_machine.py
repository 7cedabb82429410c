"""The rest of the state machine's rules: holds, refunds, batches, reclaims, settings, prices and the jobs."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from credits.choices import FOREVER
from tests.model.buckets import Hold
from tests.model.machine import (
    HUGE,
    JUMPS,
    LedgerMachine,
    keyed,
    often,
    services,
    small,
    spends,
    users,
    which,
)
from tests.model.reserving import FullSystem

parts = st.sampled_from(["none", "none", "small", "all", "all and one", "one", "zero", "too huge"])
seconds = st.sampled_from([1, 900, 3_600, 86_400])


plans = st.sampled_from(["platform", "platform", "byok", "hybrid"])
#: What is done to an organization by its admins, by billing and by the operator.
changes = st.one_of(
    st.tuples(
        st.just("settings"),
        st.sampled_from([None, None, 0, 7, 500]),
        st.sampled_from([None, True, True, False]),
        st.sampled_from([None, 0, 50, 50, 1_000, HUGE]),
    ),
    st.tuples(st.just("renew"), st.sampled_from([None, *sorted(JUMPS)])),
    st.tuples(
        st.just("reprice"),
        st.sampled_from(["company_enrichment", "contact_lookup", "bulk_export"]),
        st.sampled_from([0, 1, 3, 40]),
        st.sampled_from([0, 1, 30]),
    ),
    st.tuples(
        st.just("subscribe"),
        st.sampled_from([None, "forever", "forever", "forever", "soon"]),
        plans,
        st.none() | plans,
    ),
)


class FullMachine(LedgerMachine):
    """One organization's life, with everything that can happen in it."""

    system_class = FullSystem

    # -- Holds

    @rule(user=users, amount=spends, n=small, ttl=seconds, key=keyed)
    def hold(self, user, amount, n, ttl, key):
        self.request("hold", user, self.spend(user, amount, n), "api", None, ttl, key=key)

    @often(2, user=users, n=small, ttl=seconds)
    def hold_little(self, user, n, ttl):
        self.request("hold", user, n, "api", None, ttl, key=False)

    @rule(user=users, service=services, n=st.sampled_from([1, 2, 7, 0]), ttl=seconds, key=keyed)
    def hold_priced(self, user, service, n, ttl, key):
        self.request("hold", user, None, service, n, ttl, key=key)

    def some_hold(self, n: int) -> Hold | None:
        """Mostly one that is open."""
        holds = self.model.holds
        if n % 4:
            holds = [hold for hold in holds if hold.status == "pending"] or holds
        return holds[-1 - n % len(holds)] if holds else None

    @staticmethod
    def part(amount: str, n: int, left: int) -> int | None:
        return {
            "none": None,
            "small": n,
            "one": 1,
            "all": left,
            "all and one": left + 1,
            "zero": 0,
            "too huge": HUGE + 1,
        }[amount]

    @often(3, n=which, amount=parts, credits=small)
    def capture(self, n, amount, credits):
        if hold := self.some_hold(n):
            self.perform("capture", hold.number, self.part(amount, credits, hold.rest))

    @often(2, n=which, amount=parts, credits=small)
    def capture_part(self, n, amount, credits):
        if hold := self.some_hold(n):
            part = self.part(amount, credits, hold.rest)
            self.request("capture_part", hold.number, part, key=True)

    @often(2, n=which)
    def release(self, n):
        if hold := self.some_hold(n):
            self.perform("release", hold.number)

    @rule(n=which)
    def settle_twice(self, n):
        """The last request once more, or another that would settle it otherwise."""
        settled = [hold for hold in self.model.holds if hold.settled_by is not None]
        if settled:
            hold = settled[-1 - n // 2 % len(settled)]
            kind, *args = hold.settled_by
            if n % 2:
                kind, args = ("release", []) if kind == "capture" else ("capture", [None])
            self.perform(kind, hold.number, *args)

    # -- Refunds, batches, looking first

    @often(2, n=which, amount=parts, credits=small, key=keyed)
    def refund(self, n, amount, credits, key):
        charged = [usage for usage in self.model.usages if usage.operation != "refund"]
        if charged:
            usage = charged[-1 - n % len(charged)]
            part = self.part(amount, credits, usage.credits - usage.refunded)
            self.request("refund", usage.number, part, key=key)

    @rule(
        items=st.lists(st.tuples(users, spends, small), min_size=1, max_size=5),
        service=services,
        atomic=st.booleans(),
    )
    def batch(self, items, service, atomic):
        charges = [
            (user, None, service, n % 5)
            if amount == "one"
            else (user, self.spend(user, amount, n), "api", None)
            for user, amount, n in items
        ]
        self.perform("batch", tuple(charges), atomic)

    @rule(user=users, amount=spends, n=small, service=services, priced=st.booleans())
    def check(self, user, amount, n, service, priced):
        if priced:
            self.perform("check", user, None, service, n)
        else:
            self.perform("check", user, self.spend(user, amount, n), "api", None)

    # -- The organization's side

    @rule(user=users, amount=parts, n=small, key=keyed)
    def reclaim(self, user, amount, n, key):
        allocation = self.model.allocations.get(user)
        left = allocation.remaining if allocation else 0
        self.request("reclaim", user, self.part(amount, n, left), key=key)

    @rule(change=changes)
    def set_up(self, change):
        kind, *args = change
        getattr(self, kind)(*args)

    def settings(self, refresh, overage, limit):
        self.perform("settings", refresh, overage, limit)

    def renew(self, length):
        """The next overage period begins where the last ended, or now."""
        start = self.model.next_overage_start()
        end = self.model.now + JUMPS[length] if length else None
        self.perform("overage_period", start, end)

    def reprice(self, service, price, days):
        start = self.model.now + timedelta(days=days)
        if all(start != version[0] for version in self.model.prices[service]):
            prices = {"platform": price, "byok": price // 3, "hybrid": price + 1}
            self.perform("reprice", service, prices, start)

    def subscribe(self, until, plan, next_plan):
        soon = self.model.now + timedelta(days=35)
        moment = {None: None, "forever": FOREVER, "soon": soon}[until]
        self.perform("entitle", moment, plan, next_plan, soon if next_plan else None)

    @rule(order=st.integers(0, 3))
    def sweep(self, order):
        self.perform("sweep", order)
