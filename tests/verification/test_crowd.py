"""Of many at once each begins where another one ended: the rows' before and after are one chain without a gap."""

from collections import Counter

import pytest

from credits.deducting import deduct
from credits.models import Allocation, CreditPool, JournalEntry, Usage
from tests.concurrency.threads import together
from tests.ledger import charge, fund, give

pytestmark = pytest.mark.django_db(transaction=True)

EACH = 20


def gaps(steps):
    """States that are left more or less often than they are reached: the first and the last of a chain."""
    left, reached = Counter(), Counter()
    for before, after in steps:
        left[before] += 1
        reached[after] += 1
    left.subtract(reached)
    return {state: number for state, number in left.items() if number}


def test_of_a_pool(funded):
    together([lambda: fund(funded, 10)] * 2 * EACH)
    grants = JournalEntry.objects.filter(org=funded, kind="grant", credits=10)
    steps = grants.values_list("available_before", "available_after")
    assert gaps(steps) == {8_500: 1, 8_500 + 20 * EACH: -1}
    assert CreditPool.objects.get(org=funded).available_credits == 8_500 + 20 * EACH


def test_of_an_allocation(funded, alice):
    works = [lambda: give(funded, alice, 1), lambda: deduct(charge(funded, alice, 3))]
    together(works * EACH)
    given = JournalEntry.objects.filter(org=funded, kind="allocation", credits=1)
    steps = list(given.values_list("remaining_before", "remaining_after"))
    for after in Usage.objects.filter(org=funded).values_list("remaining_credits", flat=True):
        steps.append((after + 3, after))
    assert len(steps) == 2 * EACH
    assert gaps(steps) == {1_000: 1, 1_000 - 2 * EACH: -1}
    assert Allocation.objects.get(org=funded, user=alice).remaining_credits == 1_000 - 2 * EACH
