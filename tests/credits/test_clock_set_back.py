"""The server's clock is set back over a period's boundary: what was charged before can still be given back."""

from datetime import UTC, datetime, timedelta

import pytest

from credits.deducting import Receipt, deduct
from credits.models import Allocation
from credits.refunding import refund
from credits.verification import LEDGER, verify
from orgbilling.lib.clock import simulated
from tests.ledger import ORIGIN, charge, give

pytestmark = pytest.mark.django_db

#: Of UTC, Alpha's zone: where days end, and weeks and months don't.
MIDNIGHT = datetime(2031, 5, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def change_period(org, user):
    Allocation.objects.change_reset_period(
        org_id=org.pk, user_id=user.pk, reset_period="daily", origin=ORIGIN
    )


def allocate_with_it(org, user):
    give(org, user, 1, reset_period="daily")


@pytest.mark.parametrize("before", ["never", "weekly"])
@pytest.mark.parametrize("change", [change_period, allocate_with_it])
@pytest.mark.parametrize("back", [2 * SECOND, timedelta(days=3)])
def test_a_period_that_is_changed_begins_after_every_charge(funded, bob, before, change, back):
    with simulated(MIDNIGHT - timedelta(days=1)):
        Allocation.objects.change_reset_period(
            org_id=funded.pk, user_id=bob.pk, reset_period=before, origin=ORIGIN
        )
    with simulated(MIDNIGHT - SECOND + back):
        charged = deduct(charge(funded, bob, 50))
    assert isinstance(charged, Receipt)
    with simulated(MIDNIGHT - SECOND):
        change(funded, bob)
    with simulated(MIDNIGHT + SECOND):
        assert isinstance(deduct(charge(funded, bob, 1)), Receipt)
        refund(
            org_id=funded.pk,
            usage_id=charged.charged.usage_id,
            credits=None,
            reason="the clock",
            origin=ORIGIN,
        )
    allocation = Allocation.objects.get(org=funded, user=bob)
    assert (allocation.used_credits, allocation.lifetime_used_credits) == (1, 1)
    assert allocation.next_reset_date > MIDNIGHT + back - SECOND
    assert [one for result in verify(LEDGER) for one in result.violations] == []
