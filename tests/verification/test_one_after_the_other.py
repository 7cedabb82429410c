"""Two operations at once end as one after the other: the second waits, and decides by what the first left.

A lock that is missing, or taken after reading, shows in a balance, in a row's before and after, or in how the second is
refused. The first runs in a transaction that stays open until the second is seen waiting or has ended.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from credits import departure, functions
from credits.batching import deduct_batch
from credits.deducting import deduct
from credits.errors import AllocationInactive
from credits.holding import HoldOrder, place
from credits.models import Allocation, CreditPool, Hold, JournalEntry, Usage
from organizations.models import Organization, User
from orgbilling.lib.clock import now, simulated
from orgbilling.lib.ids import uuid7
from tests.concurrency.invariants import broken
from tests.concurrency.threads import Elsewhere, attempt
from tests.factories import as_principal, make_member, make_organization
from tests.ledger import ORIGIN, charge, fund, give, let_spend
from tests.verification.story import capture_of, hold, refund_of, release_of

pytestmark = pytest.mark.django_db(transaction=True)

LATER = timedelta(days=40)


@dataclass(frozen=True)
class World:
    """Alice has 210 left of 300, 50 spent, 40 held; Bob has 100; 600 are available, and 1,000 more as overage."""

    org: Organization
    alice: User
    bob: User
    spent: Any
    held: Hold

    @classmethod
    def make(cls, *, state: str = "", people: tuple[User, User] | None = None) -> "World":
        """`state` "left": Alice's allocation was closed; "plain": nothing is held. `people`: who they are."""
        org = make_organization()
        alice, bob = (make_member(org, user=user).user for user in people or (None, None))
        fund(org, 1_000)
        let_spend(org)
        CreditPool.objects.change_settings(org_id=org.pk, allow_overage=True, overage_limit=1_000)
        give(org, alice, 300)
        give(org, bob, 100)
        spent = deduct(charge(org, alice, 50)).charged.usage_id
        world = cls(org, alice, bob, spent, hold(org, alice, 40, seconds=86_400))
        if state == "left":
            close(world)
        if state == "plain":
            release_of(world.held)
        return world

    def seen(self) -> list[Any]:
        """Everything that an operation may have changed, whatever the ids and moments."""
        names = {self.alice.pk: "alice", self.bob.pk: "bob"}
        mine = {"org": self.org}
        pool = CreditPool.objects.filter(**mine).values_list(
            "total_credits", "allocated_credits", "overage_used", "overage_used_period"
        )
        allocations = Allocation.objects.filter(**mine).values_list(
            "user",
            "budget_credits",
            "used_credits",
            "remaining_credits",
            "held_credits",
            "lifetime_used_credits",
            "reset_period",
            "is_active",
        )
        journal = JournalEntry.objects.filter(**mine).values_list(
            "kind",
            "credits",
            "available_before",
            "available_after",
            "remaining_before",
            "remaining_after",
        )
        usage = Usage.objects.filter(**mine).values_list(
            "operation", "credits_used", "overage_credits", "remaining_credits"
        )
        holds = Hold.objects.filter(**mine).values_list(
            "credits", "captured_credits", "released_credits", "expired_credits", "status"
        )
        named = [(names[user], *rest) for user, *rest in allocations]
        return [sorted(map(str, rows)) for rows in (pool, named, journal, usage, holds)]


def later(work: Callable[[World], Any]) -> Callable[[World], Any]:
    """The same in the next month, when Alice's reset is due and her hold has expired."""

    def run(world: World) -> Any:
        with simulated(now() + LATER):
            return work(world)

    return run


def sweep(world: World) -> Any:
    return functions.settle_due(org_id=world.org.pk, limit=100, request_id="test")


def close(world: World) -> Any:
    return Allocation.objects.close(org_id=world.org.pk, user_id=world.alice.pk, origin=ORIGIN)


def reclaim(world: World) -> Any:
    return Allocation.objects.reclaim(
        org_id=world.org.pk, user_id=world.alice.pk, credits=150, origin=ORIGIN
    )


def period(world: World) -> Any:
    return Allocation.objects.change_reset_period(
        org_id=world.org.pk, user_id=world.alice.pk, reset_period="daily", origin=ORIGIN
    )


def with_pool(world: World, credits: int) -> Any:
    with transaction.atomic():
        return Usage.objects.charge_with_pool(charge(world.org, world.alice, credits))


def hold_with_pool(world: World) -> Any:
    with transaction.atomic():
        return functions.place_hold_with_pool(charge(world.org, world.alice, 860), 900, uuid7())


def refund_with_pool(world: World) -> Any:
    with transaction.atomic():
        return functions.refund_usage_once(
            org_id=world.org.pk,
            usage_id=world.spent,
            refund_id=uuid7(),
            credits=30,
            metadata={},
            own_actor=None,
            origin=ORIGIN,
            with_pool=True,
        )


def capture_with_pool(world: World) -> Any:
    with transaction.atomic():
        return functions.capture_hold(
            org_id=world.org.pk,
            hold_id=world.held.pk,
            credits=10,
            final=True,
            metadata={},
            settle_hash=uuid7().bytes,
            origin=ORIGIN,
            with_pool=True,
        )[0]


def release_with_pool(world: World) -> Any:
    with transaction.atomic():
        return functions.release_hold(
            org_id=world.org.pk,
            hold_id=world.held.pk,
            settle_hash=uuid7().bytes,
            origin=ORIGIN,
            with_pool=True,
        )


def batch_with_pool(world: World) -> Any:
    charges = [charge(world.org, user, 120) for user in (world.alice, world.bob)]
    with transaction.atomic():
        return functions.deduct_batch_with_pool(world.org.pk, charges)


def batch(world: World) -> Any:
    charges = [charge(world.org, user, 60) for user in (world.alice, world.bob, world.alice)]
    return deduct_batch(org_id=world.org.pk, charges=charges)


OPERATIONS: dict[str, Callable[[World], Any]] = {
    "add": lambda w: fund(w.org, 10),
    "allocate": lambda w: give(w.org, w.alice, 400),
    "allocate_bob": lambda w: give(w.org, w.bob, 400),
    "close": close,
    "reclaim": reclaim,
    "period": period,
    "period_plain": later(period),
    "deduct": lambda w: deduct(charge(w.org, w.alice, 150)),
    "deduct_key": lambda w: deduct(charge(w.org, w.alice, 20, "key")),
    "deduct_later": later(lambda w: with_pool(w, 200)),
    "overage": lambda w: with_pool(w, 860),
    "hold_overage": hold_with_pool,
    "hold": lambda w: place(HoldOrder(charge(w.org, w.alice, 150))),
    "batch": batch,
    "capture": lambda w: capture_of(w.held, 10, word="x"),
    "capture_part": lambda w: capture_of(w.held, 30, final=False, word="y"),
    "release": lambda w: release_of(w.held),
    "refund": lambda w: refund_of(w.org, w.spent, 30),
    "sweep_later": later(sweep),
    "sweep_plain": later(sweep),
    "batch_with_pool": batch_with_pool,
    "refund_left": refund_with_pool,
    "capture_left": capture_with_pool,
    "release_left": release_with_pool,
}
#: What comes first: the same operation, what moves the pool, and what moves Alice's allocation.
FIRST = ("allocate_bob", "close", "deduct")
FIRST_OF_LEFT = ("allocate_bob", "add")
#: Whoever needs the pool locks it before any allocation.
POOL_FIRST = (
    "allocate",
    "close",
    "reclaim",
    "period",
    "period_plain",
    "deduct_later",
    "overage",
    "hold_overage",
    "sweep_later",
)
POOL_FIRST += ("batch_with_pool", "refund_left", "capture_left", "release_left")


def state_of(name: str) -> str:
    """The world that an operation is meant for, by the end of its name."""
    return name.rpartition("_")[2]


def end(result: Any) -> str:
    """How an operation ended, without ids."""
    if isinstance(result, Exception):
        return type(result).__name__
    return (
        f"{type(result).__name__} {getattr(result, 'status', '')} {getattr(result, 'replayed', '')}"
    )


def at_once(world: World, first: str, second: str) -> tuple[str, list[Any], bool]:
    with transaction.atomic():
        OPERATIONS[first](world)
        other = Elsewhere(lambda: OPERATIONS[second](world))
        waited = other.is_stuck()
    return end(other.result()), world.seen(), waited


def in_order(*operations: str, state: str) -> tuple[str, list[Any]]:
    world = World.make(state=state)
    ends = [end(attempt(lambda: OPERATIONS[name](world))) for name in operations]  # noqa: B023
    return ends[-1], world.seen()


@pytest.mark.parametrize("second", OPERATIONS)
def test_two_at_once_end_as_one_after_the_other(second: str) -> None:
    state = state_of(second)
    for first in dict.fromkeys((second, *(FIRST_OF_LEFT if state == "left" else FIRST))):
        world = World.make(state=state)
        ended, seen, waited = at_once(world, first, second)
        assert broken(world.org.pk) == []
        expected = in_order(first, second, state=state)
        if not waited and (ended, seen) != expected:
            # Neither saw the other: as well the other way round.
            assert seen == in_order(second, first, state=state)[1], f"{second} while {first}"
        else:
            assert (ended, seen) == expected, f"{second} after {first}"


@pytest.mark.parametrize("name", POOL_FIRST)
def test_who_waits_for_the_pool_holds_no_allocation(name: str) -> None:
    world = World.make(state=state_of(name))
    with transaction.atomic():
        CreditPool.objects.lock(world.org.pk)
        other = Elsewhere(lambda: OPERATIONS[name](world))
        assert other.is_stuck()
        mine = Allocation.objects.select_for_update(nowait=True).filter(org=world.org)
        assert len(list(mine)) == 2
    assert not isinstance(other.result(), Exception)


@pytest.mark.parametrize("name", ["capture", "capture_part", "release"])
def test_who_waits_for_an_allocation_holds_no_hold(name: str) -> None:
    world = World.make()
    with transaction.atomic():
        mine = Allocation.objects.select_for_update().filter(org=world.org, user=world.alice)
        assert len(list(mine)) == 1
        other = Elsewhere(lambda: OPERATIONS[name](world))
        assert other.is_stuck()
        holds = Hold.objects.select_for_update(nowait=True).filter(org=world.org)
        assert len(list(holds)) == 1
    assert not isinstance(other.result(), Exception)


@pytest.mark.parametrize("way", ["deduct_batch", "deduct_batch_with_pool"])
def test_a_batch_locks_allocations_by_user(way: str) -> None:
    world = World.make()
    first, last = sorted((world.alice, world.bob), key=lambda user: user.pk)
    charges = [charge(world.org, user, 10) for user in (last, first)]

    def work() -> Any:
        with transaction.atomic():
            return getattr(functions, way)(world.org.pk, charges)

    with transaction.atomic():
        rows = Allocation.objects.select_for_update().filter(org=world.org, user=first)
        assert len(list(rows)) == 1
        other = Elsewhere(work)
        assert other.is_stuck()
        rows = Allocation.objects.select_for_update(nowait=True).filter(org=world.org, user=last)
        assert len(list(rows)) == 1
    assert not isinstance(other.result(), Exception)


def test_a_departure_locks_the_pool_first(system_admin: User) -> None:
    world, by = World.make(), as_principal(system_admin)
    with transaction.atomic():
        CreditPool.objects.lock(world.org.pk)
        other = Elsewhere(
            lambda: departure.remove_member(
                org_id=world.org.pk, user_id=world.alice.pk, by=by, request_id="test"
            )
        )
        assert other.is_stuck()
        mine = Allocation.objects.select_for_update(nowait=True).filter(org=world.org)
        assert len(list(mine)) == 2
    assert other.result() is None


def test_overage_is_the_last_resort() -> None:
    world = World.make()
    assert with_pool(world, 300).outcome == "insufficient_credits"
    assert with_pool(world, 210).outcome == "charged"


def test_a_closed_allocation_spends_nothing() -> None:
    with pytest.raises(AllocationInactive):
        with_pool(World.make(state="left"), 1)


def test_overage_of_a_billed_period_comes_back_as_credits() -> None:
    world, moment = World.make(), now()
    end_of_period = moment + timedelta(minutes=5)
    CreditPool.objects.set_overage_period(
        org_id=world.org.pk, start=moment - timedelta(days=1), end=end_of_period
    )
    with transaction.atomic():
        held = functions.place_hold_with_pool(charge(world.org, world.alice, 860), 86_400, uuid7())
    with simulated(end_of_period + timedelta(minutes=1)):
        with_pool(world, 700)
        release_of(Hold.objects.get(pk=held.hold_id))
    pool = CreditPool.objects.get(org=world.org)
    assert (pool.overage_used, pool.overage_used_period) == (650 + 700, 700)
    assert Allocation.objects.get(org=world.org, user=world.alice).remaining_credits == 860
    assert broken(world.org.pk) == []
