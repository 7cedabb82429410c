"""The predecessor deducted allocation before pool and allocated pool before allocation.

Of 62 transactions 19 died. Here every test holds the pool, as one who allocates does first, lets
another begin, and then goes on to the allocation: whoever took that before the pool is in the way.
"""

from datetime import timedelta

import pytest
from django.db import transaction

from credits import departure
from credits.departure import remove_member
from credits.managers import AllocationManager
from credits.models import Allocation, CreditPool, Usage
from organizations.models import Member
from orgbilling.lib import sqlstate, transactions
from orgbilling.lib.clock import now, simulated
from orgbilling.lib.errors import DatabaseUnavailable
from tests.concurrency.invariants import broken
from tests.concurrency.threads import Elsewhere, attempt
from tests.factories import as_principal
from tests.ledger import ORIGIN, charge
from tests.regressions.teeth import guarded_by, python, replaced, sql

pytestmark = pytest.mark.django_db(transaction=True)

DEADLOCK = "40P01"
ALLOCATION_FIRST = """
    PERFORM 1 FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id FOR NO KEY UPDATE;
"""
POOL_TOO = """
    PERFORM 1 FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
"""
USAGE_INSERT = "    INSERT INTO public.credit_usage_attribution ("
THE_POOL = "    PERFORM 1 FROM public.organization_credit_pools"


@pytest.fixture(autouse=True)
def no_second_attempt(monkeypatch):
    """A transaction that dies is seen, not tried again."""
    monkeypatch.setattr(transactions, "ATTEMPTS", 1)


def meets_an_allocation(org, user, work):
    """What the work came to when it met an allocation to the same member half way."""
    with transaction.atomic():
        CreditPool.objects.lock(org.pk)
        other = Elsewhere(work)
        waited = other.is_stuck()
        mine = attempt(
            lambda: Allocation.objects.allocate(
                org_id=org.pk, user_id=user.pk, credits=10, origin=ORIGIN
            )
        )
    theirs = other.result()
    states = {sqlstate.of(end) for end in (mine, theirs) if isinstance(end, Exception)}
    assert DEADLOCK not in states
    assert not any(isinstance(end, DatabaseUnavailable) for end in (mine, theirs))
    assert not isinstance(mine, Exception)
    assert broken(org.pk) == []
    return waited, theirs


@guarded_by(no_pool_lock=sql("deduct_credits", (USAGE_INSERT, POOL_TOO + USAGE_INSERT)))
def test_an_ordinary_charge_never_waits_for_the_pool(funded, alice):
    waited, charged = meets_an_allocation(
        funded, alice, lambda: Usage.objects.charge(charge(funded, alice, 50))
    )
    assert waited is False
    assert charged.outcome == "charged"


@guarded_by(order=sql("deduct_credits_with_pool", (THE_POOL, ALLOCATION_FIRST + THE_POOL)))
def test_a_charge_with_the_pool_takes_it_first(funded, alice):
    waited, charged = meets_an_allocation(
        funded, alice, lambda: Usage.objects.charge_with_pool(charge(funded, alice, 50))
    )
    assert waited is True
    assert charged.outcome == "charged"


@guarded_by(order=sql("close_allocation", (THE_POOL, ALLOCATION_FIRST + THE_POOL)))
def test_closing_takes_the_pool_first(funded, alice):
    waited, returned = meets_an_allocation(
        funded,
        alice,
        lambda: Allocation.objects.close(org_id=funded.pk, user_id=alice.pk, origin=ORIGIN),
    )
    assert waited is True
    assert returned == 1_010


@guarded_by(order=python(AllocationManager, "reset_if_due", ("pools.lock(org_id)", "pass")))
def test_a_reset_takes_the_pool_first(funded, alice):
    Usage.objects.charge(charge(funded, alice, 50))

    def reset():
        with simulated(now() + timedelta(days=40)):
            return Allocation.objects.reset_if_due(
                org_id=funded.pk, user_id=alice.pk, origin=ORIGIN
            )

    waited, done = meets_an_allocation(funded, alice, reset)
    assert waited is True
    assert done is True


class MembershipFirst:
    """The pool's manager to one who takes the membership before the pool."""

    @staticmethod
    def lock(org_id):
        list(Member.objects.select_for_update().filter(org_id=org_id))
        return CreditPool.objects.lock(org_id)


class Pools:
    objects = MembershipFirst


@guarded_by(order=replaced(departure, "CreditPool", Pools))
def test_removing_a_member_takes_the_membership_last(alpha, funded, alice, bob, system_admin):
    give_up(funded, bob)
    waited, removed = meets_an_allocation(
        funded,
        bob,
        lambda: remove_member(
            org_id=funded.pk, user_id=bob.pk, by=as_principal(system_admin), request_id="test"
        ),
    )
    assert waited is True
    assert removed is None
    assert not Member.objects.filter(org=funded, user=bob).exists()


def give_up(org, user):
    """An allocation that the next one makes active again: that asks for the membership."""
    Allocation.objects.close(org_id=org.pk, user_id=user.pk, origin=ORIGIN)
