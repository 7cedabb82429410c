"""Balances of the past, derived from rows, are those that were recorded then."""

import json
import random
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from credits.deducting import Receipt, deduct
from credits.errors import NoCreditPool
from credits.history import allocations_at, pool_at
from credits.holding import HoldOrder, place
from credits.models import Allocation, CreditPool, Hold, Usage
from credits.sweeping import expire_holds_due
from organizations.models import Organization, User
from orgbilling.lib.clock import now, simulated
from orgbilling.lib.errors import InvalidRequest, OrgBillingError
from orgbilling.lib.ids import uuid7
from tests.concurrency.invariants import broken
from tests.ledger import ORIGIN, charge, fund, give, let_spend
from tests.verification.story import capture_of, refund_of, release_of, tell

pytestmark = pytest.mark.django_db

Balances = tuple[tuple[int, ...], dict[object, tuple[int, ...]]]
STEPS = 60


def derived(org: Organization, moment: datetime) -> Balances:
    pool = pool_at(org.pk, moment)
    assert pool.total_credits == pool.available_credits + pool.allocated_credits
    return (
        (
            pool.total_credits,
            pool.allocated_credits,
            pool.available_credits,
            pool.used_credits,
            pool.held_credits,
            pool.overage_used,
        ),
        {
            one.user_id: (one.remaining_credits, one.held_credits, one.lifetime_used_credits)
            for one in allocations_at(org.pk, moment)
        },
    )


def recorded(org: Organization, moment: datetime) -> Balances:
    """What the rows of balances say, an elapsed hold that nobody has settled counting as returned."""
    pool = CreditPool.objects.get(org=org)
    allocations, overage, elapsed = {}, pool.overage_used, 0
    for one in Allocation.objects.filter(org=org):
        due = Hold.objects.filter(allocation=one, status="pending", expires_at__lte=moment)
        rest = sum(hold.credits - hold.captured_credits for hold in due)
        back = sum(min(hold.credits - hold.captured_credits, hold.overage_credits) for hold in due)
        elapsed += rest
        overage -= back
        allocations[one.user_id] = (
            one.remaining_credits + rest - back,
            one.held_credits - rest,
            one.lifetime_used_credits,
        )
    used = sum(used for _remaining, _held, used in allocations.values())
    held = sum(held for _remaining, held, _used in allocations.values())
    balances = (pool.total_credits, pool.allocated_credits, pool.available_credits)
    return (*balances, used, held, overage), allocations


class Chance:
    """One operation after another, drawn by lot."""

    def __init__(self, org: Organization, users: list[User], seed: int) -> None:
        self.org, self.users, self.lot = org, users, random.Random(seed)

    def step(self) -> None:
        ways = [self.charge] * 4 + [self.hold] * 4 + [self.settle] * 4 + [self.refund] * 2
        ways += [self.allocate, self.reclaim, self.add, self.sweep]
        try:
            self.lot.choice(ways)(self.lot.choice(self.users))
        except OrgBillingError:
            return

    def charge(self, user: User) -> None:
        deduct(charge(self.org, user, self.lot.randint(1, 120)))

    def hold(self, user: User) -> None:
        seconds = self.lot.choice([600, 7_200, 80_000])
        place(HoldOrder(charge(self.org, user, self.lot.randint(1, 90)), seconds))

    def settle(self, _user: User) -> None:
        pending = list(Hold.objects.filter(org=self.org, status="pending").order_by("id"))
        if not pending:
            return
        one = self.lot.choice(pending)
        if self.lot.random() < 0.3:
            release_of(one)
        else:
            part = self.lot.randint(1, one.credits)
            capture_of(one, part, final=self.lot.random() < 0.5)

    def refund(self, _user: User) -> None:
        charges = list(Usage.objects.filter(org=self.org, credits_used__gt=0).order_by("id"))
        if charges:
            one = self.lot.choice(charges)
            refund_of(self.org, one.pk, self.lot.randint(1, one.credits_used))

    def allocate(self, user: User) -> None:
        give(self.org, user, self.lot.randint(1, 200))

    def reclaim(self, user: User) -> None:
        Allocation.objects.reclaim(
            org_id=self.org.pk, user_id=user.pk, credits=self.lot.randint(1, 50), origin=ORIGIN
        )

    def add(self, _user: User) -> None:
        fund(self.org, self.lot.randint(1, 200))

    def sweep(self, _user: User) -> None:
        expire_holds_due()


@pytest.mark.parametrize("seed", range(6))
def test_at_any_instant_they_are_what_was_recorded(
    alpha: Organization, alice: User, bob: User, seed: int
) -> None:
    # At one hour of the day, so that a seed meets its resets at the same step whenever it is run.
    begin = now().replace(hour=6, minute=0, second=0, microsecond=0) - timedelta(days=20)
    lot = random.Random(seed)
    chance = Chance(alpha, [alice, bob], seed)
    with simulated(begin):
        fund(alpha, 800)
        let_spend(alpha)
        CreditPool.objects.change_settings(
            org_id=alpha.pk, allow_overage=True, overage_limit=300, monthly_refresh_amount=50
        )
        for user in (alice, bob):
            give(alpha, user, 300, reset_period="daily")
    moments: dict[datetime, Balances] = {}
    clock = begin
    for _ in range(STEPS):
        clock += timedelta(seconds=lot.randint(60, 20_000))
        with simulated(clock):
            chance.step()
            looked = clock + timedelta(seconds=lot.randint(0, 59))
            moments[looked] = recorded(alpha, looked)
    assert broken(alpha.pk) == []
    statuses = set(Hold.objects.filter(org=alpha).values_list("status", flat=True))
    assert len(statuses) >= 3
    assert {moment: derived(alpha, moment) for moment in moments} == moments
    before = begin - timedelta(seconds=1)
    assert derived(alpha, before) == ((0, 0, 0, 0, 0, 0), {})


def test_the_future_and_the_unknown_are_refused(alpha: Organization) -> None:
    with pytest.raises(InvalidRequest):
        pool_at(alpha.pk, now() + timedelta(seconds=5))
    with pytest.raises(InvalidRequest):
        allocations_at(alpha.pk, now() + timedelta(seconds=5))
    with pytest.raises(NoCreditPool):
        pool_at(uuid7(), now() - timedelta(seconds=5))


def said(*args: str) -> str:
    out = StringIO()
    call_command("balance_at", *args, stdout=out)
    return out.getvalue()


def test_the_command_says_what_was(alpha: Organization, alice: User, bob: User) -> None:
    story = tell(alpha, alice, bob)
    at = (story.began + timedelta(days=1, hours=1)).isoformat()
    report = json.loads(said(alpha.name, "--at", at, "--json"))
    pool = report["pool"]
    assert pool["org_id"] == str(alpha.pk)
    # Alice spent 400 and 50 of her hold, and was given back 50 of it; Bob spent 30.
    assert (pool["total_credits"], pool["used_credits"]) == (2_000, 430)
    assert len(report["allocations"]) == 3
    one = json.loads(said(str(alpha.pk), "--at", at, "--user", str(alice.pk), "--json"))
    assert [row["lifetime_used_credits"] for row in one["allocations"]] == [400]
    text = said(alpha.name, "--at", at)
    assert "total 2000" in text
    assert f"{alice.pk}: remaining" in text
    assert isinstance(deduct(charge(alpha, alice, 1)), Receipt)
    assert json.loads(said(alpha.name, "--at", at, "--json")) == report


@pytest.mark.parametrize(
    "args",
    [
        ("nobody", "--at", "2026-01-01T00:00:00Z"),
        ("test-org-alpha", "--at", "2026-01-01T00:00:00"),
        ("test-org-alpha", "--at", "2026-02-30T00:00:00Z"),
        ("test-org-alpha", "--at", "yesterday"),
        ("test-org-alpha", "--at", "9999-01-01T00:00:00Z"),
        ("test-org-alpha", "--at", "2026-01-01T00:00:00Z", "--user", "nobody"),
    ],
)
def test_the_command_refuses_what_it_cant_answer(alpha: Organization, args: tuple[str]) -> None:
    with pytest.raises(CommandError) as caught:
        said(*args)
    assert caught.value.returncode == 2
