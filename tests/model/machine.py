"""The state machine: every mutator of the ledger, in any order, against the model, over years.

Each example is one organization inside one transaction that is undone. After each step the answers, all
balances and all equations are compared.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import FunctionType
from typing import Any, ClassVar

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from credits.choices import FOREVER
from organizations.models import User
from tests.model.oracle import Oracle
from tests.model.state import look
from tests.model.system import System

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo")
PEOPLE = 3
HUGE = 10**15
SECOND = timedelta(seconds=1)
JUMPS = {
    "a second": SECOND,
    "an hour": timedelta(hours=1),
    "a day": timedelta(days=1),
    "eight days": timedelta(days=8),
    "forty days": timedelta(days=40),
    "a quarter": timedelta(days=92),
}

names = itertools.count(1)
users = st.integers(0, PEOPLE - 1)
small = st.integers(1, 60)
spends = st.sampled_from(
    ["small"] * 6
    + ["all", "all and one", "one", "beyond", "overage", "overage and one"]
    + ["zero", "huge", "too huge"]
)
gifts = st.sampled_from(["small"] * 4 + ["big"] * 4 + ["all", "all and one", "zero", "too huge"])
periods = st.sampled_from([None, None, "daily", "weekly", "monthly", "never"])
services = st.sampled_from(
    ["company_enrichment", "contact_lookup", "bulk_export", "intelligence_cache_lookup", "magic"]
)
keyed = st.sampled_from([False, False, True])
which = st.integers(0, 63)


class often:  # noqa: N801 - a decorator, like rule
    """A rule that is drawn that many times as often as another: Hypothesis draws all alike."""

    def __init__(self, times: int, **strategies: Any) -> None:
        self.times, self.strategies = times, strategies

    def __call__(self, work: Callable[..., None]) -> often:
        self.work = work
        return self

    def __set_name__(self, owner: type, name: str) -> None:
        for number in range(1, self.times + 1):
            setattr(
                owner,
                f"{name}_{number}",
                rule(**self.strategies)(named(self.work, f"{name}_{number}")),
            )
        setattr(owner, name, self.work)


def named(work: Callable[..., None], name: str) -> Callable[..., None]:
    """The same under another name."""
    copy = FunctionType(work.__code__, work.__globals__, name, None, work.__closure__)  # type: ignore[attr-defined]
    copy.__qualname__ = name
    return copy


class LedgerMachine(RuleBasedStateMachine):
    """One organization's life."""

    #: Committed before the run: the owner, and the people who come and go.
    owner: ClassVar[User]
    people: ClassVar[list[User]]
    prices: ClassVar[dict[str, dict[str, int]]]
    #: Steps that were taken and compared, and what was done and came of it.
    steps: ClassVar[int] = 0
    tally: ClassVar[Counter[tuple[str, str]]] = Counter()
    system_class: ClassVar[type[System]] = System

    def __init__(self) -> None:
        super().__init__()
        self.undone = transaction.atomic()
        # As Django's own TestCase: the doors' durable transactions become parts of this one.
        self.undone._from_testcase = True
        self.undone.__enter__()
        self.requests: list[tuple[str, tuple[Any, ...], str]] = []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)

    @initialize(
        zone=st.sampled_from(ZONES),
        day=st.sampled_from([1, 29, 30, 31]),
        month=st.integers(1, 12),
        hour=st.integers(0, 23),
        credits=st.sampled_from([100, 1_000, 1_000, 20_000]),
    )
    def open(self, zone, day, month, hour, credits):
        year = 2027
        begin = datetime(year, month, min(day, 28 if month == 2 else 30), hour, tzinfo=UTC)
        if day == 31 and month in (1, 3, 5, 7, 8, 10, 12):
            begin += timedelta(days=1)
        System.at(begin)
        self.system = self.system_class(
            f"model-{os.getpid()}-{next(names)}", zone, self.owner, self.people
        )
        self.model = Oracle(zone, begin, self.prices)
        self.users = [str(each) for each in self.system.ids]
        self.perform("add", credits, 0)
        self.perform("entitle", FOREVER, "platform", None, None)
        for user in range(PEOPLE):
            self.perform("join", user)
        self.perform("allocate", 0, credits // 4, "daily", True)
        self.perform("allocate", 1, credits // 4, None, True)

    # -- Doing and comparing

    def perform(self, operation: str, *args: Any, key: str | None = None) -> None:
        """Ask both, compare the answers and all that there is."""
        expected = self.model.ask(operation, args, key)
        door = getattr(self.system, operation)
        seen = door(*args, key) if operation in KEYED else door(*args)
        self.tally[operation, str(expected[0])] += 1
        assert seen == expected, f"{operation}{args} key={key}: {seen}, and not {expected}"
        self.compare()

    def compare(self) -> None:
        LedgerMachine.steps += 1
        state, broken = look(self.system.org_id)
        assert broken == [], broken
        expected = self.model.state(self.users, [str(each) for each in self.system.holds])
        assert state == expected, self.differences(state, expected)

    def differences(self, state: dict[str, Any], expected: dict[str, Any]) -> str:
        """The balances that aren't the model's, and when."""
        found = [f"at {self.model.now}"]
        for part, wanted in expected.items():
            right, seen = by_name(wanted), by_name(state[part])
            found += [
                f"{part} {name}: {seen.get(name)}, and not {right.get(name)}"
                for name in {**right, **seen}
                if seen.get(name) != right.get(name)
            ]
        return "\n".join(found)

    def request(self, operation: str, *args: Any, key: bool) -> None:
        """With a key of its own or without."""
        name = f"key-{len(self.requests)}" if key else None
        if name is not None:
            self.requests.append((operation, args, name))
        self.perform(operation, *args, key=name)

    # -- Amounts at the edges

    def spend(self, user: int, amount: str, n: int) -> int:
        allocation, pool = self.model.allocations.get(user), self.model.pool
        left = allocation.remaining if allocation else 0
        over = max(0, pool.overage_limit - pool.overage_used_period)
        return {
            "small": n,
            "one": 1,
            "all": left,
            "all and one": left + 1,
            "beyond": left + pool.available + n,
            "overage": left + over,
            "overage and one": left + over + 1,
            "zero": 0,
            "huge": HUGE,
            "too huge": HUGE + 1,
        }[amount]

    def gift(self, amount: str, n: int) -> int:
        available = self.model.pool.available
        return {
            "small": n,
            "big": n * 25,
            "all": available,
            "all and one": available + 1,
            "zero": 0,
            "too huge": HUGE + 1,
        }[amount]

    # -- Time

    def go(self, moment: datetime) -> None:
        self.model.now = moment
        System.at(moment)
        self.compare()

    @often(2, jump=st.sampled_from(sorted(JUMPS)))
    def wait(self, jump):
        self.tally["wait", jump] += 1
        self.go(self.model.now + JUMPS[jump])

    @rule(side=st.integers(-1, 1), n=which)
    def wait_for_a_boundary(self, side, n):
        """To a moment at which something is due, or a second beside it."""
        moments = self.model.next_moments()
        if moments:
            self.tally["wait", "boundary"] += 1
            self.go(max(self.model.now, moments[n % len(moments)] + side * SECOND))

    # -- Spending

    @rule(user=users, amount=spends, n=small, key=keyed)
    def deduct(self, user, amount, n, key):
        self.request("deduct", user, self.spend(user, amount, n), "api", None, key=key)

    @often(4, user=users, n=small)
    def deduct_little(self, user, n):
        self.request("deduct", user, n, "api", None, key=False)

    @often(2, user=users, service=services, n=st.sampled_from([1, 1, 2, 7, 0, HUGE]), key=keyed)
    def deduct_priced(self, user, service, n, key):
        self.request("deduct", user, None, service, n, key=key)

    @rule(user=users, amount=spends, n=small)
    def would_pass(self, user, amount, n):
        self.perform("would_pass", user, self.spend(user, amount, n))

    # -- Giving

    @rule(amount=gifts, n=small, paid=st.integers(0, 3), key=keyed)
    def add(self, amount, n, paid, key):
        self.request("add", self.gift(amount, n), paid, key=key)

    @rule(user=users, amount=gifts, n=small, period=periods, recurring=st.booleans(), key=keyed)
    def allocate(self, user, amount, n, period, recurring, key):
        self.request("allocate", user, self.gift(amount, n), period, recurring, key=key)

    @rule(user=users, n=which)
    def come_or_go(self, user, n):
        """Mostly what can be done."""
        there = user in self.model.members
        self.perform("leave" if there == bool(n % 8) else "join", user)

    @rule(user=users)
    def reset(self, user):
        self.perform("reset", user)

    # -- Keys

    @rule(n=which)
    def ask_again(self, n):
        """The same request with the same key: the first answer, and nothing moves."""
        if self.requests:
            operation, args, key = self.requests[-1 - n % len(self.requests)]
            self.tally["asked again", operation] += 1
            self.perform(operation, *args, key=key)

    @rule(n=which)
    def ask_otherwise(self, n):
        """Another request with a key that was used."""
        if self.requests:
            operation, args, key = self.requests[-1 - n % len(self.requests)]
            self.tally["asked otherwise", operation] += 1
            self.perform(operation, *otherwise(operation, args), key=key)


KEYED = {"deduct", "add", "allocate", "hold", "capture_part", "refund", "reclaim"}


def by_name(part: Any) -> dict[str, Any]:
    return part if isinstance(part, dict) else {"": part}


def otherwise(operation: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments that are valid too, and others."""
    if operation == "add":
        return (args[0] % 1000 + 1, *args[1:])
    if operation in {"capture_part", "refund"}:
        return (args[0], (args[1] or 0) % 1000 + 1)
    return ((args[0] + 1) % PEOPLE, *args[1:])
