"""A hundred callers at once: exact sums, nobody pays twice, nobody overdraws."""

import json

import pytest

from credits.deducting import Receipt, deduct
from credits.idempotency import Answer
from credits.models import StoredAnswer, Usage
from tests.concurrency.invariants import broken
from tests.concurrency.threads import together
from tests.factories import make_member
from tests.ledger import balances, charge, give

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("smooth")]


def test_100_charges_of_one_allocation_sum_up(rich, alice):
    receipts = together(
        lambda number=number: deduct(charge(rich, alice, 7, f"request-{number}"))
        for number in range(100)
    )
    assert all(isinstance(receipt, Receipt) and not receipt.replayed for receipt in receipts)
    left = [receipt.charged.remaining_credits for receipt in receipts]
    assert sorted(left, reverse=True) == [10_000 - 7 * number for number in range(1, 101)]
    seen = balances(rich, alice)
    assert (seen.remaining, seen.used, seen.charges) == (9_300, 700, 100)
    assert broken(rich.pk) == []


def test_100_charges_without_a_key_sum_up(rich, alice):
    receipts = together([lambda: deduct(charge(rich, alice, 3))] * 100)
    assert {type(receipt) for receipt in receipts} == {Receipt}
    seen = balances(rich, alice)
    assert (seen.remaining, seen.used, seen.charges) == (9_700, 300, 100)
    assert broken(rich.pk) == []


def test_of_100_charges_the_60_that_can_be_paid_are_made(rich, bob):
    give(rich, bob, 605)
    ends = together(
        lambda number=number: deduct(charge(rich, bob, 10, f"request-{number}"))
        for number in range(100)
    )
    paid = [end for end in ends if isinstance(end, Receipt)]
    refused = [end for end in ends if isinstance(end, Answer)]
    assert (len(paid), len(refused)) == (60, 40)
    assert {end.status for end in refused} == {402}
    assert {json.loads(end.body)["remaining"] for end in refused} == {5}
    seen = balances(rich, bob)
    assert (seen.remaining, seen.used, seen.charges) == (5, 600, 60)
    assert StoredAnswer.objects.filter(org=rich, status=402).count() == 40
    assert broken(rich.pk) == []


@pytest.mark.parametrize("attempt", range(3))
def test_50_with_one_key_are_one_charge(rich, alice, attempt):
    receipts = together([lambda: deduct(charge(rich, alice, 50, f"key-{attempt}"))] * 50)
    assert all(isinstance(receipt, Receipt) for receipt in receipts)
    assert sorted(receipt.replayed for receipt in receipts) == [False] + [True] * 49
    assert {receipt.charged.usage_id for receipt in receipts} == {Usage.objects.get().pk}
    assert {receipt.charged.remaining_credits for receipt in receipts} == {9_950}
    assert balances(rich, alice).remaining == 9_950
    assert broken(rich.pk) == []


def test_50_with_one_key_are_one_refusal(rich, bob):
    give(rich, bob, 10)
    answers = together([lambda: deduct(charge(rich, bob, 50, "one"))] * 50)
    assert {answer.status for answer in answers} == {402}
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 49
    assert len({answer.body for answer in answers}) == 1
    assert StoredAnswer.objects.count() == 1
    assert balances(rich, bob).charges == 0


def test_members_of_one_organization_charge_side_by_side(rich):
    members = [make_member(rich).user for _ in range(10)]
    for member in members:
        give(rich, member, 100)
    together(lambda member=member: deduct(charge(rich, member, 10)) for member in members * 10)
    for member in members:
        seen = balances(rich, member)
        assert (seen.remaining, seen.used, seen.charges) == (0, 100, 10)
    assert broken(rich.pk) == []
