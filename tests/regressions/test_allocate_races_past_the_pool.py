"""The predecessor looked, then wrote: fifty callers gave 580 credits out of a pool of 100."""

import pytest
from django.db import transaction

from credits.choices import JournalKind
from credits.errors import InsufficientPoolCredits
from credits.models import Allocation, JournalEntry
from tests.concurrency.invariants import broken
from tests.concurrency.threads import Elsewhere
from tests.ledger import ORIGIN, balances, fund
from tests.regressions.teeth import constraint, guarded_by, sql

pytestmark = pytest.mark.django_db(transaction=True)

pool_lock = sql(
    "allocate_credits_to_user",
    (
        "WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;\n    IF NOT FOUND",
        "WHERE pool.org_id = p_org_id;\n    IF NOT FOUND",
    ),
)
pool_check = constraint("organization_credit_pools", "pool_allocated_within_total")


def allocate(org, user, credits):
    return Allocation.objects.allocate(
        org_id=org.pk, user_id=user.pk, credits=credits, origin=ORIGIN
    )


@guarded_by(lock=pool_lock, check=pool_check)
def test_two_at_the_same_moment_share_what_there_is(alpha, alice, bob):
    fund(alpha, 100)
    with transaction.atomic():
        allocate(alpha, alice, 60)
        other = Elsewhere(lambda: allocate(alpha, bob, 60))
        assert other.is_stuck()
    refused = other.result()
    assert isinstance(refused, Exception)
    seen = balances(alpha, alice)
    assert (seen.available, seen.remaining, balances(alpha, bob).remaining) == (40, 60, 0)
    assert broken(alpha.pk) == []


@guarded_by(lock=pool_lock)
def test_the_second_is_told_what_is_left(alpha, alice, bob):
    fund(alpha, 100)
    with transaction.atomic():
        allocate(alpha, alice, 60)
        other = Elsewhere(lambda: allocate(alpha, bob, 60))
        assert other.is_stuck()
    refused = other.result()
    assert isinstance(refused, InsufficientPoolCredits)
    assert (refused.extra["requested"], refused.extra["available"]) == (60, 40)
    assert refused.extra["why"]["refused_by"] == "pool"


@guarded_by(lock=pool_lock)
def test_the_journal_tells_the_balances_in_the_order_of_the_moves(alpha, alice, bob):
    fund(alpha, 100)
    with transaction.atomic():
        allocate(alpha, alice, 60)
        other = Elsewhere(lambda: allocate(alpha, bob, 30))
        assert other.is_stuck()
    assert not isinstance(other.result(), Exception)
    moves = JournalEntry.objects.filter(org=alpha, kind=JournalKind.ALLOCATION)
    assert list(
        moves.order_by("-available_before").values_list("available_before", "available_after")
    ) == [(100, 40), (40, 10)]
