"""Differences between the ledger and its model that were found, each in the fewest steps."""

from datetime import UTC, datetime, timedelta

import pytest

from credits.checking import check
from credits.departure import remove_member
from credits.holding import HoldOrder, place
from orgbilling.lib.clock import simulated
from tests.factories import as_principal, make_member
from tests.ledger import charge


@pytest.mark.django_db
def test_an_expired_hold_of_a_former_member_leaves_nothing_to_them(funded, alice, bob):
    """It goes to the pool, and would not be theirs when they come back."""
    begin = datetime(2027, 3, 1, tzinfo=UTC)
    with simulated(begin):
        place(HoldOrder(charge(funded, bob, 48), 60))
        remove_member(org_id=funded.pk, user_id=bob.pk, by=as_principal(alice), request_id="test")
        make_member(funded, user=bob)
    with simulated(begin + timedelta(hours=1)):
        verdict = check(org_id=funded.pk, user_id=bob.pk, credits=1)
    assert (verdict.sufficient, verdict.remaining_credits) == (False, 0)
