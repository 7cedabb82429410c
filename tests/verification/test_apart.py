"""What is done in one organization changes nothing in another one, even for people who are in both."""

import pytest

from credits.deducting import Receipt, deduct
from tests.factories import make_member
from tests.ledger import charge, fund, give, let_spend
from tests.verification.test_one_after_the_other import OPERATIONS, World, state_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_stays_in_its_organization(name):
    state = state_of(name)
    other = World.make(state=state)
    mine = World.make(state=state, people=(other.alice, other.bob))
    before = other.seen()
    assert mine.seen() == before
    OPERATIONS[name](mine)
    assert other.seen() == before
    assert mine.seen() != before


def test_a_key_of_one_organization_is_free_in_another(alpha, globex, alice):
    make_member(globex, user=alice)
    for org in (alpha, globex):
        fund(org, 100)
        let_spend(org)
        give(org, alice, 100)
    ends = [deduct(charge(org, alice, 10, "key")) for org in (alpha, globex)]
    assert [isinstance(end, Receipt) and end.replayed for end in ends] == [False, False]
