"""Many at once on one thing: one key, one allocation, one hold."""

import random
from collections import Counter

import pytest
from django.db import connection
from django.db.models import F

from credits.deducting import Receipt, deduct
from credits.errors import HoldNotPending
from credits.holding import Captured, HoldOrder, Placed, Released, capture, place, release
from credits.models import Hold, Usage
from credits.sweeping import expire_holds_due
from orgbilling.lib.clock import simulated
from orgbilling.lib.errors import IdempotencyKeyReused
from tests.concurrency.crowd import crowd, many_connections
from tests.concurrency.threads import together
from tests.ledger import ORIGIN, balances, charge, give
from tests.model.state import broken

ROUNDS, STORM = 200, 50
HOLDS = 1_000


@pytest.fixture(autouse=True)
def wide(transactional_db):
    """A connection for each of the crowd."""
    with many_connections():
        yield


# Last to be set up, first to be torn down: it counts deadlocks over connections that it closes.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("wide", "smooth")]


def test_a_storm_of_50_with_one_key_is_one_charge_200_times(rich, alice):
    with crowd(STORM) as people:
        for number in range(ROUNDS):
            ends = people.together(lambda _: deduct(charge(rich, alice, 3, f"key-{number}")))  # noqa: B023
            assert {type(end) for end in ends} == {Receipt}
            assert sorted(end.replayed for end in ends) == [False] + [True] * (STORM - 1)
            assert len({end.charged.usage_id for end in ends}) == 1
            assert {end.charged.remaining_credits for end in ends} == {10_000 - 3 * (number + 1)}
    seen = balances(rich, alice)
    assert (seen.remaining, seen.used, seen.charges) == (10_000 - 3 * ROUNDS, 3 * ROUNDS, ROUNDS)
    assert broken(rich.pk) == []


def test_a_storm_of_two_requests_with_one_key_is_one_of_them(rich, alice):
    """Half ask for 3 credits and half for 4: who comes first is answered, the others are refused."""
    with crowd(20) as people:
        for number in range(20):
            ends = people.together(
                lambda each: deduct(charge(rich, alice, 3 + each % 2, f"key-{number}"))  # noqa: B023
            )
            assert Counter(type(end) for end in ends) == {Receipt: 10, IdempotencyKeyReused: 10}
            assert sum(isinstance(end, Receipt) and not end.replayed for end in ends) == 1
    assert Usage.objects.count() == 20
    assert broken(rich.pk) == []


@pytest.mark.parametrize("callers", [100, 1_000])
def test_concurrent_charges_of_one_allocation_are_exact(rich, alice, callers):
    """Nine of ten can be paid."""
    price = 10_000 // (callers * 9 // 10)
    ends = together(
        lambda number=number: deduct(charge(rich, alice, price, f"request-{number}"))
        for number in range(callers)
    )
    paid = [end for end in ends if isinstance(end, Receipt)]
    refused = [end for end in ends if not isinstance(end, Receipt)]
    assert len(paid) == 10_000 // price
    assert {end.status for end in refused} == {402}
    left = sorted((end.charged.remaining_credits for end in paid), reverse=True)
    assert left == [10_000 - price * number for number in range(1, len(paid) + 1)]
    seen = balances(rich, alice)
    assert (seen.remaining, seen.charges) == (10_000 - price * len(paid), len(paid))
    assert broken(rich.pk) == []


def test_capture_release_and_expiry_settle_each_of_1000_holds_once(rich, bob):
    give(rich, bob, 500, reset_period="never")
    lot = random.Random(7)
    winners = Counter()

    def race(hold, credits, turn, delay):
        with connection.cursor() as cursor:
            for _ in range(delay):
                cursor.execute("SELECT 1")
        settled = {"org_id": rich.pk, "hold_id": hold.pk, "origin": ORIGIN}
        if turn == 0:
            return capture(**settled, credits=credits, final=True, body_hash=b"capture")
        if turn == 1:
            return release(**settled, body_hash=b"release")
        with simulated(hold.expires_at):
            return expire_holds_due()

    with crowd(3) as people:
        for number in range(HOLDS):
            placed = place(HoldOrder(charge(rich, bob, 5), 60))
            assert isinstance(placed, Placed)
            hold, credits = placed.hold, lot.choice([None, 1, 4])
            # The sweeper looks for whose holds are due before it takes one: sometimes it is given a start.
            start = 0 if number % 10 else 60
            delays = [start + lot.randrange(6), start + lot.randrange(6), lot.randrange(3)]
            ends = people.together(lambda turn: race(hold, credits, turn, delays[turn]))  # noqa: B023
            row = Hold.objects.get(pk=hold.pk)
            # The sweeper counts what it looked at; whether it came first, the hold says.
            won = [
                isinstance(end, kind) for end, kind in zip(ends, (Captured, Released), strict=False)
            ]
            won.append(row.status == "expired")
            assert won.count(True) == 1, (number, ends)
            lost = [end for end, mine in zip(ends[:2], won[:2], strict=True) if not mine]
            assert {type(end) for end in lost} <= {HoldNotPending}
            assert row.status == ("captured", "released", "expired")[won.index(True)]
            assert row.captured_credits + row.released_credits + row.expired_credits == 5
            winners[row.status] += 1
            if row.captured_credits:
                give(rich, bob, row.captured_credits, recurring=False)
    assert sum(winners.values()) == HOLDS
    assert set(winners) == {"captured", "released", "expired"}
    assert not Hold.objects.exclude(
        credits=F("captured_credits") + F("released_credits") + F("expired_credits")
    ).exists()
    seen = balances(rich, bob)
    assert seen.remaining == 500
    assert seen.charges == winners["captured"]
    assert broken(rich.pk) == []
