"""Holds: reserved, captured in parts, released, expired by the clock; each settles once."""

from datetime import UTC, datetime, timedelta

import pytest

from credits import sweeping
from credits.errors import HoldAmountExceeded, HoldNotPending, NoSuchHold
from credits.functions import Origin
from credits.holding import HoldOrder, Placed, capture, place, release
from credits.idempotency import Answer
from credits.models import Allocation, CreditPool, Hold, JournalEntry, Usage
from orgbilling.lib.clock import simulated
from orgbilling.lib.errors import IdempotencyKeyReused
from orgbilling.lib.ids import uuid7
from tests.concurrency.invariants import broken
from tests.ledger import charge, let_spend

START = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def sound(funded):
    """Whatever a test does, every equation holds afterwards."""
    yield
    assert broken(funded.pk) == []


def hold(org, user, credits, key=None, ttl=900):
    placed = place(HoldOrder(charge(org, user, credits, key), ttl))
    assert isinstance(placed, Placed)
    return placed.hold


def take(org, held, credits=None, final=True, tag=b"1"):
    return capture(
        org_id=org.pk,
        hold_id=held.pk,
        credits=credits,
        final=final,
        body_hash=tag,
        origin=Origin("system", "test"),
    )


def give_back(org, held, tag=b"r"):
    return release(org_id=org.pk, hold_id=held.pk, body_hash=tag, origin=Origin("system", "test"))


def balances(org, user):
    row = Allocation.objects.for_display().get(org=org, user=user)
    return (
        row.current_remaining_credits,
        row.current_held_credits,
        row.used_credits,
        row.lifetime_used_credits,
    )


def test_reserving_moves_from_remaining_to_held(funded, alice):
    held = hold(funded, alice, 300)
    assert balances(funded, alice) == (700, 300, 0, 0)
    assert held.credits == 300
    assert CreditPool.objects.of(funded.pk).held_credits == 300
    assert CreditPool.objects.of(funded.pk).available_credits == 8_500


def test_what_is_held_cannot_be_spent(funded, alice):
    hold(funded, alice, 900)
    refused = place(HoldOrder(charge(funded, alice, 101)))
    assert isinstance(refused, Answer)
    assert refused.status == 402


def test_a_final_capture_charges_a_part_and_gives_the_rest_back(funded, alice):
    held = hold(funded, alice, 300)
    done = take(funded, held, 120)
    assert balances(funded, alice) == (880, 0, 120, 120)
    assert (done.hold.status, done.hold.captured_credits) == ("captured", 120)
    assert (done.usage.credits_used, done.usage.remaining_credits) == (120, 880)
    row = Hold.objects.get(pk=held.pk)
    assert (row.captured_credits, row.released_credits) == (120, 180)
    assert Usage.objects.get(hold_id=held.pk).operation == "capture"


def test_captures_in_parts_until_the_final_one(funded, alice):
    held = hold(funded, alice, 300)
    take(funded, held, 100, final=False)
    assert balances(funded, alice) == (700, 200, 100, 100)
    take(funded, held, 50, final=False, tag=b"2")
    done = take(funded, held, tag=b"3")
    assert done.usage.credits_used == 150
    assert balances(funded, alice) == (700, 0, 300, 300)


def test_an_identical_final_request_answers_with_the_first_and_another_is_refused(funded, alice):
    held = hold(funded, alice, 300)
    first = take(funded, held, 120)
    again = take(funded, held, 120)
    assert again.replayed
    assert again.usage.pk == first.usage.pk
    with pytest.raises(HoldNotPending):
        take(funded, held, 121, tag=b"2")
    with pytest.raises(HoldNotPending):
        give_back(funded, held)
    assert balances(funded, alice) == (880, 0, 120, 120)


def test_release_gives_everything_back_once(funded, alice):
    held = hold(funded, alice, 300)
    assert give_back(funded, held).hold.status == "released"
    assert give_back(funded, held).replayed
    assert balances(funded, alice) == (1_000, 0, 0, 0)
    with pytest.raises(HoldNotPending, match="released"):
        take(funded, held)


def test_more_than_the_hold_is_refused(funded, alice):
    held = hold(funded, alice, 300)
    take(funded, held, 299, final=False)
    with pytest.raises(HoldAmountExceeded) as refused:
        take(funded, held, 2, tag=b"2")
    assert refused.value.extra["left"] == 1


def test_an_expired_hold_is_released_for_readers_and_refused_to_writers(funded, alice):
    with simulated(START):
        held = hold(funded, alice, 300, ttl=60)
    with simulated(START + timedelta(seconds=59)):
        assert balances(funded, alice) == (700, 300, 0, 0)
    with simulated(START + timedelta(seconds=60)):
        assert balances(funded, alice) == (1_000, 0, 0, 0)
        with pytest.raises(HoldNotPending, match="expired"):
            take(funded, held)
        with pytest.raises(HoldNotPending, match="expired"):
            give_back(funded, held)
        assert Hold.objects.get(pk=held.pk).status == "pending"


def test_a_hold_that_would_refuse_expires_what_has_elapsed_first(funded, alice):
    with simulated(START):
        held = hold(funded, alice, 1_000, ttl=60)
    with simulated(START + timedelta(seconds=61)):
        hold(funded, alice, 900)
        assert balances(funded, alice) == (100, 900, 0, 0)
        assert Hold.objects.get(pk=held.pk).status == "expired"


def test_the_sweep_settles_expired_holds(funded, alice, bob):
    with simulated(START):
        first, second = hold(funded, alice, 300, ttl=60), hold(funded, bob, 100, ttl=60)
    with simulated(START + timedelta(seconds=60)):
        assert sweeping.expire_holds_due() == 2
        assert sweeping.expire_holds_due() == 0
    states = Hold.objects.filter(pk__in=[first.pk, second.pk]).values_list("status", flat=True)
    assert set(states) == {"expired"}


def test_a_key_reserves_once(funded, alice):
    first = hold(funded, alice, 300, "k")
    again = place(HoldOrder(charge(funded, alice, 300, "k")))
    assert again.replayed
    assert again.hold.pk == first.pk
    with pytest.raises(IdempotencyKeyReused):
        place(HoldOrder(charge(funded, alice, 301, "k")))
    assert balances(funded, alice) == (700, 300, 0, 0)


def test_a_refusal_is_final_for_its_key(funded, alice):
    first = place(HoldOrder(charge(funded, alice, 1_001, "k")))
    again = place(HoldOrder(charge(funded, alice, 1_001, "k")))
    assert (first.status, again.status, again.replayed) == (402, 402, True)
    assert first.body == again.body


def test_an_unknown_hold(funded):
    with pytest.raises(NoSuchHold):
        capture(
            org_id=funded.pk,
            hold_id=uuid7(),
            body_hash=b"1",
            origin=Origin("system", "test"),
        )


def test_what_a_former_member_gives_back_goes_to_the_pool(funded, bob):
    first, second = hold(funded, bob, 200), hold(funded, bob, 100)
    Allocation.objects.close(org_id=funded.pk, user_id=bob.pk, origin=Origin("system", "test"))
    assert CreditPool.objects.get(org=funded).available_credits == 8_700
    take(funded, first, 50)
    assert CreditPool.objects.get(org=funded).available_credits == 8_850
    give_back(funded, second)
    assert CreditPool.objects.get(org=funded).available_credits == 8_950
    assert balances(funded, bob) == (0, 0, 50, 50)
    assert JournalEntry.objects.filter(org=funded, kind="reclaim").count() == 3


def test_a_capture_after_a_reset_counts_in_the_new_period(funded, alice):
    with simulated(START):
        let_spend(funded)
    due = Allocation.objects.get(org=funded, user=alice).next_reset_date
    with simulated(due - timedelta(hours=1)):
        held = hold(funded, alice, 300, ttl=86_400)
    with simulated(due + timedelta(hours=1)):
        take(funded, held, 100)
    row = Allocation.objects.get(org=funded, user=alice)
    assert (row.used_credits, row.remaining_credits, row.last_reset_date) == (100, 900, due)


def test_what_costs_nothing_is_counted_once(funded, alice):
    let_spend(funded, "byok")
    ten = charge(funded, alice, 1)._replace(credits=None, quantity=10)
    placed = place(HoldOrder(ten))
    for tag in (b"1", b"2"):
        assert take(funded, placed.hold, final=False, tag=tag).usage.quantity is None
    assert take(funded, placed.hold, tag=b"3").usage.quantity == 10


def test_a_backlog_is_settled_in_few_statements(funded, alice, django_assert_max_num_queries):
    with simulated(START):
        for _ in range(30):
            hold(funded, alice, 1, ttl=60)
    with simulated(START + timedelta(minutes=2)), django_assert_max_num_queries(10):
        sweeping.expire_holds_due()
    assert Hold.objects.filter(status="expired").count() == 30


class TestOverage:
    @pytest.fixture
    def short(self, funded, alice):
        """Alice has 1,000, the pool nothing, 500 more may be drawn over it."""
        Allocation.objects.allocate(
            org_id=funded.pk, user_id=alice.pk, credits=8_500, origin=Origin("system", "t")
        )
        Allocation.objects.reclaim(
            org_id=funded.pk, user_id=alice.pk, credits=8_500, origin=Origin("system", "t")
        )
        bob_gets = CreditPool.objects.get(org=funded).available_credits
        user = funded.members.get(role="member").user
        Allocation.objects.allocate(
            org_id=funded.pk, user_id=user.pk, credits=bob_gets, origin=Origin("system", "t")
        )
        CreditPool.objects.change_settings(org_id=funded.pk, allow_overage=True, overage_limit=500)
        return funded

    def pool(self, org):
        row = CreditPool.objects.get(org=org)
        return row.overage_used, row.overage_used_period

    def test_a_hold_may_draw_it_and_gives_it_back_first(self, short, alice):
        held = hold(short, alice, 1_300)
        assert self.pool(short) == (300, 300)
        assert balances(short, alice) == (0, 1_300, 0, 0)
        done = take(short, held, 1_100)
        assert done.usage.overage_credits == 100
        assert self.pool(short) == (100, 100)
        assert balances(short, alice) == (0, 0, 1_100, 1_100)

    def test_released_whole(self, short, alice):
        held = hold(short, alice, 1_300)
        give_back(short, held)
        assert self.pool(short) == (0, 0)
        assert balances(short, alice) == (1_000, 0, 0, 0)

    def test_beyond_the_limit_is_refused(self, short, alice):
        refused = place(HoldOrder(charge(short, alice, 1_501)))
        assert refused.status == 402
        assert hold(short, alice, 1_500).credits == 1_500

    def test_billed_overage_comes_back_as_credits(self, short, alice):
        with simulated(START):
            let_spend(short)
        end = Allocation.objects.get(org=short, user=alice).next_reset_date - timedelta(hours=2)
        with simulated(end - timedelta(hours=1)):
            CreditPool.objects.set_overage_period(
                org_id=short.pk, start=end - timedelta(days=1), end=end
            )
            held = hold(short, alice, 1_300, ttl=86_400)
        with simulated(end + timedelta(hours=1)):
            give_back(short, held)
        assert self.pool(short) == (300, 0)
        assert balances(short, alice) == (1_300, 0, 0, 0)
