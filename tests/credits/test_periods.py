"""Period boundaries and resets: credits move, none is made."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from credits.deducting import Receipt, deduct
from credits.functions import has_sufficient_credits
from credits.models import Allocation, CreditPool, JournalEntry
from credits.onboarding import open_organization
from orgbilling.lib.clock import database_now, simulated
from tests.ledger import ORIGIN, charge, fund, give, let_spend

pytestmark = pytest.mark.django_db


def boundary(anchor, period, zone, after):
    with connection.cursor() as cursor:
        cursor.execute("SELECT period_boundary(%s, %s, %s, %s)", [anchor, period, zone, after])
        return cursor.fetchone()[0]


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "period", "zone", "after", "expected"),
    [
        (at(2026, 1, 15, 10), "never", "UTC", at(2026, 1, 15, 10), None),
        (at(2026, 1, 15, 10), "daily", "UTC", at(2026, 1, 15, 10), at(2026, 1, 16)),
        (at(2026, 1, 15, 10), "daily", "UTC", at(2026, 1, 16), at(2026, 1, 17)),
        # New York's midnight is 05:00 UTC in winter and 04:00 in summer; 8 March 2026 has 23 hours.
        (at(2026, 3, 1), "daily", "America/New_York", at(2026, 3, 7, 12), at(2026, 3, 8, 5)),
        (at(2026, 3, 1), "daily", "America/New_York", at(2026, 3, 8, 5), at(2026, 3, 9, 4)),
        # A Thursday.
        (at(2026, 1, 15, 10), "weekly", "UTC", at(2026, 1, 15, 10), at(2026, 1, 22)),
        (at(2026, 1, 15, 10), "weekly", "UTC", at(2026, 1, 21, 23), at(2026, 1, 22)),
        (at(2026, 1, 15, 10), "monthly", "UTC", at(2026, 1, 15, 10), at(2026, 2, 15)),
        # The 31st: clamped to each month's last day, and back to the 31st afterwards.
        (at(2026, 1, 31, 10), "monthly", "UTC", at(2026, 1, 31, 10), at(2026, 2, 28)),
        (at(2026, 1, 31, 10), "monthly", "UTC", at(2026, 2, 28), at(2026, 3, 31)),
        (at(2028, 1, 31, 10), "monthly", "UTC", at(2028, 1, 31, 10), at(2028, 2, 29)),
        (at(2026, 10, 31, 10), "monthly", "UTC", at(2026, 12, 31), at(2027, 1, 31)),
        # 2 a.m. on 1 February in Berlin is still January in UTC.
        (at(2026, 1, 31, 23, 30), "monthly", "Europe/Berlin", at(2026, 2, 1), at(2026, 2, 28, 23)),
        # Midnight that doesn't exist: Beirut's clocks went from 23:59 to 01:00 on 30 March 2025.
        (at(2025, 3, 1), "daily", "Asia/Beirut", at(2025, 3, 29, 12), at(2025, 3, 29, 22)),
    ],
)
def test_boundaries(anchor, period, zone, after, expected):
    assert boundary(anchor, period, zone, after) == expected


def test_boundaries_ascend_for_ten_years():
    for zone in ("UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"):
        for day in (29, 30, 31):
            moment = anchor = at(2026, 1, day, 11)
            for _month in range(120):
                following = boundary(anchor, "monthly", zone, moment)
                assert following > moment
                assert 27 <= (following - moment).days <= 32
                moment = following
            assert (moment.year, moment.month) in {(2036, 1), (2035, 12)}


@pytest.fixture
def january(alice):
    """An organization whose owner got 1,000 credits on 15 January 2026 at noon."""
    with simulated(at(2026, 1, 15, 12)):
        org = open_organization(name="jan", owner=alice)
        fund(org, 3_000)
        let_spend(org)
        give(org, alice, 1_000)
    return org


def test_a_charge_after_the_boundary_resets_first(january, alice):
    with simulated(at(2026, 1, 20)):
        deduct(charge(january, alice, 400))
    with simulated(at(2026, 2, 15)):
        receipt = deduct(charge(january, alice, 50))
    assert isinstance(receipt, Receipt)
    assert receipt.charged.remaining_credits == 950
    allocation = Allocation.objects.get(org=january)
    assert (allocation.used_credits, allocation.lifetime_used_credits) == (50, 450)
    assert allocation.last_reset_date == at(2026, 2, 15)
    assert allocation.next_reset_date == at(2026, 3, 15)
    reset = JournalEntry.objects.get(kind="reset")
    assert (reset.credits, reset.period_used_credits, reset.period_start) == (
        400,
        400,
        at(2026, 2, 15),
    )
    pool = CreditPool.objects.of(january.pk)
    assert (pool.total_credits, pool.available_credits, pool.used_credits) == (3_000, 1_600, 450)


def test_a_reset_gives_what_a_short_pool_has(january, alice):
    with simulated(at(2026, 1, 20)):
        give(january, alice, 1_900, recurring=False)
        deduct(charge(january, alice, 2_900))
    with simulated(at(2026, 2, 16)):
        refused = deduct(charge(january, alice, 200))
    assert refused.status == 402
    allocation = Allocation.objects.get(org=january)
    assert (allocation.remaining_credits, allocation.used_credits) == (100, 0)
    assert CreditPool.objects.of(january.pk).available_credits == 0


def test_a_refusal_still_commits_its_reset(january, alice):
    with simulated(at(2026, 2, 16)):
        assert deduct(charge(january, alice, 1_001)).status == 402
    assert JournalEntry.objects.filter(kind="reset", credits=0).count() == 1
    assert Allocation.objects.get(org=january).next_reset_date == at(2026, 3, 15)


def test_a_long_outage_opens_the_current_period_once(january, alice):
    with simulated(at(2026, 1, 20)):
        deduct(charge(january, alice, 700))
    with simulated(at(2026, 6, 20)):
        assert deduct(charge(january, alice, 10)).charged.remaining_credits == 990
        deduct(charge(january, alice, 10))
    reset = JournalEntry.objects.get(kind="reset")
    assert reset.period_start == at(2026, 6, 15)
    assert CreditPool.objects.get(org=january).available_credits == 1_300


def test_a_budget_that_is_unspent_isnt_doubled(january, alice):
    with simulated(at(2026, 2, 20)):
        deduct(charge(january, alice, 1))
    assert CreditPool.objects.get(org=january).available_credits == 2_000


def test_what_doesnt_recur_isnt_restored(january, alice):
    with simulated(at(2026, 1, 20)):
        give(january, alice, 500, recurring=False)
        deduct(charge(january, alice, 1_500))
    with simulated(at(2026, 2, 15)):
        assert deduct(charge(january, alice, 1)).charged.remaining_credits == 999


def test_a_period_opens_once(january, alice):
    with simulated(at(2026, 2, 16)):
        assert Allocation.objects.reset_if_due(org_id=january.pk, user_id=alice.pk, origin=ORIGIN)
        assert not Allocation.objects.reset_if_due(
            org_id=january.pk, user_id=alice.pk, origin=ORIGIN
        )
    entry = JournalEntry.objects.get(kind="reset")
    entry.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('orgbilling.door', 'open', true)")
        JournalEntry.objects.bulk_create([entry])


def test_sufficient_looks_ahead_of_a_due_reset_and_writes_nothing(january, alice):
    with simulated(at(2026, 1, 20)):
        deduct(charge(january, alice, 900))
        assert not has_sufficient_credits(january.pk, alice.pk, 101)
    with simulated(at(2026, 2, 16)):
        assert has_sufficient_credits(january.pk, alice.pk, 1_000)
        assert not has_sufficient_credits(january.pk, alice.pk, 1_001)
    assert not JournalEntry.objects.filter(kind="reset").exists()


def test_changing_the_period_moves_the_next_reset(january, alice):
    with simulated(at(2026, 1, 20)):
        assert give(january, alice, 1, reset_period="daily").next_reset_date == at(2026, 1, 21)
        assert give(january, alice, 1).reset_period == "daily"
        assert give(january, alice, 1, reset_period="never").next_reset_date is None


def test_the_simulated_clock_ends_with_its_block():
    with simulated(at(2020, 1, 1)):
        assert database_now() == at(2020, 1, 1)
    assert database_now().year >= 2026
