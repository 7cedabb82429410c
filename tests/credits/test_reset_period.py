"""Another reset period for an allocation: no credits move, and the next reset follows from the anchor."""

from datetime import UTC, datetime

import pytest

from billing import pool_settings
from billing.models import BillingEvent
from credits.deducting import deduct
from credits.errors import AllocationInactive, NoAllocation, NoCreditPool
from credits.models import Allocation, CreditPool, JournalEntry
from orgbilling.lib.clock import simulated
from orgbilling.lib.ids import uuid7
from tests.factories import make_organization
from tests.ledger import ORIGIN, balances, charge, fund, give, let_spend

pytestmark = pytest.mark.django_db


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.fixture
def january(alice, bob):
    """Begun on Thursday 15 January: 5,000 credits, of which 1,000 are Alice's, monthly."""
    with simulated(at(2026, 1, 15, 10)):
        organization = make_organization("january", owner=alice)
        fund(organization, 5_000)
        let_spend(organization)
        give(organization, alice, 1_000)
        yield organization


def change(organization, user, period):
    return pool_settings.change_reset_period(
        org_id=organization.pk, user_id=user.pk, reset_period=period, origin=ORIGIN
    )


@pytest.mark.parametrize(
    ("period", "following"),
    [("daily", at(2026, 1, 21)), ("weekly", at(2026, 1, 22)), ("never", None)],
)
def test_the_next_reset_follows_from_the_anchor_and_no_credit_moves(
    january, alice, period, following
):
    before = balances(january, alice)
    rows = JournalEntry.objects.count()
    with simulated(at(2026, 1, 20, 12)):
        allocation = change(january, alice, period)
    assert (allocation.reset_period, allocation.next_reset_date) == (period, following)
    assert balances(january, alice) == before
    assert JournalEntry.objects.count() == rows
    assert allocation.budget_credits == 1_000


def test_the_history_says_what_it_was_and_a_period_that_stays_leaves_nothing(january, alice):
    change(january, alice, "weekly")
    change(january, alice, "weekly")
    (event,) = BillingEvent.objects.filter(org=january, event_type="pool_settings_changed")
    assert event.metadata == {
        "user_id": str(alice.pk),
        "before": {"reset_period": "monthly"},
        "after": {"reset_period": "weekly"},
    }
    assert event.actor == ORIGIN.actor


def test_from_never_it_begins_again_and_what_was_due_comes_first(january, alice):
    with simulated(at(2026, 1, 20)):
        deduct(charge(january, alice, 400))
    with simulated(at(2026, 2, 20)):
        # The reset of 15 February was due: it is made under the period that it belongs to.
        allocation = change(january, alice, "never")
        assert allocation.remaining_credits == 1_000
        assert allocation.used_credits == 0
        assert CreditPool.objects.get(org=january).available_credits == 3_600
        assert change(january, alice, "monthly").next_reset_date == at(2026, 3, 15)
    assert JournalEntry.objects.filter(org=january, kind="reset").count() == 1


def test_the_reset_comes_by_the_new_period(january, alice):
    with simulated(at(2026, 1, 20)):
        deduct(charge(january, alice, 400))
        change(january, alice, "daily")
    with simulated(at(2026, 1, 21, 1)):
        Allocation.objects.reset_if_due(org_id=january.pk, user_id=alice.pk, origin=ORIGIN)
    assert balances(january, alice).remaining == 1_000


def test_what_forbids_it(january, alice, bob):
    with pytest.raises(NoAllocation):
        change(january, bob, "daily")
    Allocation.objects.close(org_id=january.pk, user_id=alice.pk, origin=ORIGIN)
    with pytest.raises(AllocationInactive):
        change(january, alice, "daily")
    with pytest.raises(NoCreditPool):
        Allocation.objects.change_reset_period(
            org_id=uuid7(), user_id=alice.pk, reset_period="daily", origin=ORIGIN
        )
