"""Settings of a pool, its monthly refresh, and the periods of overage."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from credits import sweeping
from credits.checking import check
from credits.deducting import Receipt, deduct
from credits.holding import HoldOrder, place
from credits.models import Allocation, CreditPool, JournalEntry, OveragePeriod
from credits.onboarding import open_organization
from orgbilling.lib.clock import simulated
from orgbilling.lib.errors import InvalidRequest
from tests.concurrency.invariants import broken
from tests.ledger import ORIGIN, charge, fund, give, let_spend


def at(*when):
    return datetime(*when, tzinfo=UTC)


@pytest.fixture
def berlin(alice):
    """An organization in Berlin since 31 January 2027, refreshed with 100 a month."""
    with simulated(at(2027, 1, 31, 12)):
        org = open_organization(name="berlin", timezone="Europe/Berlin", owner=alice)
        let_spend(org)
        fund(org, 1_000)
        CreditPool.objects.change_settings(org_id=org.pk, monthly_refresh_amount=100)
    yield org
    assert broken(org.pk) == []


def refreshes(org):
    rows = JournalEntry.objects.filter(org=org, kind="refresh").order_by("period_start")
    return list(rows.values_list("period_start", flat=True))


def test_the_first_refresh_is_a_month_away_at_local_midnight(berlin):
    assert CreditPool.objects.get(org=berlin).next_refresh_date == at(2027, 2, 27, 23)


def test_each_month_once_however_late_and_by_whomever(berlin, alice):
    with simulated(at(2027, 5, 2)):
        assert sweeping.refresh_due() == 1
        assert sweeping.refresh_due() == 0
        give(berlin, alice, 1)
    assert refreshes(berlin) == [at(2027, 2, 27, 23), at(2027, 3, 30, 22), at(2027, 4, 29, 22)]
    pool = CreditPool.objects.get(org=berlin)
    assert pool.total_credits == 1_300
    assert pool.last_refresh_date == at(2027, 4, 29, 22)
    assert pool.next_refresh_date == at(2027, 5, 30, 22)


def test_a_change_of_zone_opens_no_month_twice(berlin):
    type(berlin).objects.filter(pk=berlin.pk).update(timezone="America/New_York")
    with simulated(at(2027, 3, 1)):
        sweeping.refresh_due()
    assert refreshes(berlin) == [at(2027, 2, 27, 23)]
    assert CreditPool.objects.get(org=berlin).next_refresh_date == at(2027, 3, 31, 4)


def test_a_decision_applies_it_without_any_job(berlin, alice):
    with simulated(at(2027, 2, 28)):
        give(berlin, alice, 1_100)
    assert CreditPool.objects.get(org=berlin).available_credits == 0


def test_no_subscription_no_refresh(berlin):
    with simulated(at(2027, 3, 15)):
        CreditPool.objects.set_entitlement(org_id=berlin.pk, spending_until=None, price_plan=None)
    with simulated(at(2027, 5, 15)):
        let_spend(berlin)
        assert len(refreshes(berlin)) == 1
        CreditPool.objects.refresh_if_due(org_id=berlin.pk, origin=ORIGIN)
    assert len(refreshes(berlin)) == 1
    assert CreditPool.objects.get(org=berlin).next_refresh_date == at(2027, 5, 30, 22)


def test_a_new_amount_counts_from_the_next_month_on_and_none_ends_it(berlin):
    with simulated(at(2027, 3, 15)):
        CreditPool.objects.change_settings(org_id=berlin.pk, monthly_refresh_amount=7)
    with simulated(at(2027, 4, 15)):
        CreditPool.objects.change_settings(org_id=berlin.pk, monthly_refresh_amount=0)
    with simulated(at(2028, 4, 15)):
        assert sweeping.refresh_due() == 0
    pool = CreditPool.objects.get(org=berlin)
    assert (pool.total_credits, pool.next_refresh_date) == (1_107, None)


def test_a_limit_below_what_was_drawn_and_an_unknown_setting(berlin, alice):
    with simulated(at(2027, 2, 1)):
        give(berlin, alice, 1_000)
        CreditPool.objects.change_settings(org_id=berlin.pk, allow_overage=True, overage_limit=50)
        assert deduct(charge(berlin, alice, 1_030)).charged.overage_credits == 30
        with pytest.raises(InvalidRequest):
            CreditPool.objects.change_settings(org_id=berlin.pk, overage_limit=29)
        CreditPool.objects.change_settings(org_id=berlin.pk, overage_limit=30)
        with pytest.raises(TypeError):
            CreditPool.objects.change_settings(org_id=berlin.pk, total_credits=1)


class TestOverage:
    @pytest.fixture
    def drawing(self, berlin, alice):
        """Alice has spent everything; 50 may be drawn until 1 March."""
        with simulated(at(2027, 2, 1)):
            give(berlin, alice, 1_000, reset_period="never")
            CreditPool.objects.change_settings(
                org_id=berlin.pk,
                allow_overage=True,
                overage_limit=50,
                overage_rate=Decimal("0.03"),
                monthly_refresh_amount=0,
            )
            CreditPool.objects.set_overage_period(
                org_id=berlin.pk, start=at(2027, 2, 1), end=at(2027, 3, 1)
            )
            deduct(charge(berlin, alice, 1_000))
        return berlin

    def test_only_when_nobody_could_help(self, drawing, alice):
        with simulated(at(2027, 2, 2)):
            fund(drawing, 10)
            assert deduct(charge(drawing, alice, 10)).status == 402
            charged = deduct(charge(drawing, alice, 11)).charged
        assert (charged.overage_credits, charged.remaining_credits) == (11, 0)

    def test_up_to_the_limit(self, drawing, alice):
        with simulated(at(2027, 2, 2)):
            assert isinstance(deduct(charge(drawing, alice, 50)), Receipt)
            assert deduct(charge(drawing, alice, 1)).status == 402

    def test_a_new_period_needs_no_job(self, drawing, alice):
        with simulated(at(2027, 2, 28)):
            deduct(charge(drawing, alice, 40))
            assert not check(org_id=drawing.pk, user_id=alice.pk, credits=50).sufficient
        with simulated(at(2027, 3, 1)):
            assert check(org_id=drawing.pk, user_id=alice.pk, credits=50).sufficient
            assert isinstance(deduct(charge(drawing, alice, 50)), Receipt)
            assert sweeping.close_overage_due() == 0
        period = OveragePeriod.objects.get(org=drawing)
        assert (period.credits, period.rate) == (40, Decimal("0.03"))
        assert (period.period_start, period.period_end) == (at(2027, 2, 1), at(2027, 3, 1))
        pool = CreditPool.objects.get(org=drawing)
        assert (pool.overage_used, pool.overage_used_period) == (90, 50)

    def test_what_a_hold_gave_back_in_time_is_not_billed(self, drawing, alice):
        with simulated(at(2027, 2, 28, 23, 58)):
            place(HoldOrder(charge(drawing, alice, 40), 60))
        with simulated(at(2027, 3, 1)):
            assert CreditPool.objects.of(drawing.pk).current_overage_used == 0
            CreditPool.objects.close_overage_period(org_id=drawing.pk)
        pool = CreditPool.objects.get(org=drawing)
        assert (pool.overage_used, pool.overage_used_period) == (0, 0)
        assert not OveragePeriod.objects.exists()

    def test_what_a_hold_reserves_beyond_the_end_is(self, drawing, alice):
        with simulated(at(2027, 2, 28, 23, 58)):
            place(HoldOrder(charge(drawing, alice, 40), 600))
        with simulated(at(2027, 3, 2)):
            assert sweeping.close_overage_due() == 1
            row = Allocation.objects.get(org=drawing, user=alice)
        assert OveragePeriod.objects.get().credits == 40
        assert row.remaining_credits == 40

    def test_the_sweep_closes_it_once(self, drawing, alice):
        with simulated(at(2027, 2, 28)):
            deduct(charge(drawing, alice, 40))
        with simulated(at(2027, 3, 1) + timedelta(seconds=1)):
            assert sweeping.close_overage_due() == 1
            assert sweeping.close_overage_due() == 0
        assert OveragePeriod.objects.filter(org=drawing).count() == 1
