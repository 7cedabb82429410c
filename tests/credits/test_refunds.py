"""Refunds: partial, bounded, back to where the credits came from."""

from datetime import UTC, datetime, timedelta

import pytest

from credits.deducting import deduct
from credits.errors import NoSuchUsage, NotYourUsage, RefundExceedsUsage
from credits.models import Allocation, CreditPool, Usage
from credits.refunding import refund
from orgbilling.lib.clock import simulated
from orgbilling.lib.ids import uuid7
from tests.concurrency.invariants import broken
from tests.concurrency.threads import together
from tests.ledger import ORIGIN, Balances, balances, charge, give, let_spend


@pytest.fixture(autouse=True)
def sound(funded):
    """Whatever a test does, every equation holds afterwards."""
    yield
    assert broken(funded.pk) == []


def spend(org, user, credits):
    return deduct(charge(org, user, credits)).charged.usage_id


def give_back(org, usage_id, credits=None, **options):
    return refund(
        org_id=org.pk, usage_id=usage_id, credits=credits, reason="test", origin=ORIGIN, **options
    )


def test_a_part_and_then_the_rest(funded, alice):
    usage_id = spend(funded, alice, 100)
    row = give_back(funded, usage_id, 30)
    assert (row.credits_used, row.refund_of_id, row.remaining_credits) == (-30, usage_id, 930)
    assert row.metadata == {"reason": "test"}
    assert give_back(funded, usage_id).credits_used == -70
    assert balances(funded, alice) == Balances(10_000, 8_500, 1_000, 0, 0, 3)
    assert Usage.objects.with_refunds().get(pk=usage_id).refunded_credits == 100


def test_never_more_than_was_charged(funded, alice):
    usage_id = spend(funded, alice, 100)
    give_back(funded, usage_id, 80)
    with pytest.raises(RefundExceedsUsage) as refused:
        give_back(funded, usage_id, 21)
    assert refused.value.extra == {"requested": 21, "refundable": 20}
    give_back(funded, usage_id, 20)
    with pytest.raises(RefundExceedsUsage, match="Nothing"):
        give_back(funded, usage_id)


def test_a_refund_is_not_refunded(funded, alice):
    row = give_back(funded, spend(funded, alice, 100), 30)
    with pytest.raises(RefundExceedsUsage):
        give_back(funded, row.pk)


def test_unknown_and_foreign_usage(funded, globex, alice):
    usage_id = spend(funded, alice, 100)
    with pytest.raises(NoSuchUsage):
        give_back(funded, uuid7())
    with pytest.raises(NoSuchUsage):
        give_back(globex, usage_id)


def test_a_key_that_may_only_deduct_refunds_its_own(funded, alice):
    usage_id = spend(funded, alice, 100)
    with pytest.raises(NotYourUsage):
        give_back(funded, usage_id, own_actor="key:another")
    assert give_back(funded, usage_id, own_actor="system").credits_used == -100


def test_of_an_earlier_period_the_counter_stays(funded, alice):
    usage_id = spend(funded, alice, 100)
    due = Allocation.objects.get(org=funded, user=alice).next_reset_date
    with simulated(due + timedelta(hours=1)):
        spend(funded, alice, 7)
        give_back(funded, usage_id, 100)
    row = Allocation.objects.get(org=funded, user=alice)
    assert (row.used_credits, row.lifetime_used_credits, row.remaining_credits) == (7, 7, 1_093)


def test_of_a_former_member_it_goes_to_the_pool(funded, bob):
    usage_id = spend(funded, bob, 100)
    Allocation.objects.close(org_id=funded.pk, user_id=bob.pk, origin=ORIGIN)
    row = give_back(funded, usage_id, 60)
    assert row.remaining_credits == 0
    assert balances(funded, bob) == Balances(10_000, 8_960, 0, 40, 40, 2)


class TestOverage:
    END = datetime(2035, 1, 31, tzinfo=UTC)

    @pytest.fixture
    def overdrawn(self, funded, alice, bob):
        """Alice charged 1,200: 1,000 of her own and 200 over an empty pool."""
        give(funded, bob, 8_500)
        CreditPool.objects.change_settings(org_id=funded.pk, allow_overage=True, overage_limit=500)
        CreditPool.objects.set_overage_period(org_id=funded.pk, start=None, end=self.END)
        return spend(funded, alice, 1_200)

    def pool(self, org):
        row = CreditPool.objects.get(org=org)
        return row.overage_used, row.overage_used_period

    def test_this_periods_goes_back_first(self, funded, alice, overdrawn):
        assert self.pool(funded) == (200, 200)
        row = give_back(funded, overdrawn, 250)
        assert (row.credits_used, row.overage_credits) == (-250, -200)
        assert self.pool(funded) == (0, 0)
        assert balances(funded, alice).remaining == 50

    def test_what_was_billed_comes_back_as_credits(self, funded, alice, overdrawn):
        with simulated(self.END + timedelta(days=1)):
            let_spend(funded)
            Allocation.objects.filter(org=funded, user=alice).update(
                reset_period="never", next_reset_date=None
            )
            give_back(funded, overdrawn, 250)
        assert self.pool(funded) == (200, 0)
        assert balances(funded, alice).remaining == 250


@pytest.mark.django_db(transaction=True)
def test_two_at_once_never_pass_what_was_charged(funded, alice):
    usage_id = spend(funded, alice, 100)
    ends = together([lambda: give_back(funded, usage_id, 60)] * 4)
    assert sum(not isinstance(end, Exception) for end in ends) == 1
    assert balances(funded, alice).lifetime_used == 40


@pytest.mark.django_db(transaction=True)
def test_nothing_can_fail_between_a_refund_and_its_row(funded, alice, django_assert_num_queries):
    """A second statement that fails would say that nothing was changed."""
    usage_id = spend(funded, alice, 100)
    with django_assert_num_queries(1):
        row = give_back(funded, usage_id, 30)
    assert row == Usage.objects.get(refund_of_id=usage_id)
    assert (row.credits_used, row.remaining_credits, row.refunded_credits) == (-30, 930, 0)
