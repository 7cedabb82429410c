"""Many who fill a pool, share it, buy for it and subscribe at once."""

from decimal import Decimal

import pytest

from billing.errors import AccountLimitExceeded, SubscriptionExists
from billing.models import BillingEvent, Payment, Subscription
from billing.purchase import Parcel, buy_on_account
from billing.subscribing import Order, subscribe
from credits.errors import InsufficientPoolCredits
from credits.idempotency import run_once
from credits.models import Allocation, CreditPool, JournalEntry
from tests.concurrency.invariants import broken
from tests.concurrency.threads import together
from tests.factories import make_member
from tests.ledger import ORIGIN, fund

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("smooth")]


def test_fifty_callers_share_a_pool_of_100_and_no_more(alpha):
    """The predecessor gave 580 of them."""
    fund(alpha, 100)
    members = [make_member(alpha).user for _ in range(5)]

    def allocate(user):
        return Allocation.objects.allocate(
            org_id=alpha.pk, user_id=user.pk, credits=4, origin=ORIGIN
        )

    ends = together(lambda user=user: allocate(user) for user in members * 10)
    assert sum(isinstance(end, tuple) for end in ends) == 25
    assert sum(isinstance(end, InsufficientPoolCredits) for end in ends) == 25
    assert sum(created for _, created in (end for end in ends if isinstance(end, tuple))) == len(
        Allocation.objects.filter(org=alpha)
    )
    pool = CreditPool.objects.get(org=alpha)
    assert (pool.available_credits, pool.allocated_credits) == (0, 100)
    moves = JournalEntry.objects.filter(org=alpha, kind="allocation").order_by("available_after")
    assert [row.available_after for row in moves] == list(range(0, 100, 4))
    assert broken(alpha.pk) == []


def test_fifty_grants_sum_up(alpha):
    together([lambda: fund(alpha, 11)] * 50)
    assert CreditPool.objects.get(org=alpha).total_credits == 550
    assert broken(alpha.pk) == []


def test_fifty_grants_with_one_key_are_one(alpha):
    def grant():
        def work():
            pool = fund(alpha, 1_000)
            return 201, {"total": pool.total_credits}

        return run_once(org_id=alpha.pk, operation="add", key="one", body_hash=b"same", work=work)

    answers = together([grant] * 50)
    assert {(answer.status, answer.body) for answer in answers} == {(201, b'{"total":1000}')}
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 49
    assert CreditPool.objects.get(org=alpha).total_credits == 1_000


def test_purchases_on_account_stop_at_the_limit_together(alpha):
    """1,000.00 may be owed; each costs 100.00."""
    buy = [lambda: buy_on_account(organization=alpha, parcel=Parcel(10_000), origin=ORIGIN)]
    ends = together(buy * 20)
    assert sum(isinstance(end, AccountLimitExceeded) for end in ends) == 10
    assert sum(payment.amount for payment in Payment.objects.all()) == Decimal("1000.00")
    assert CreditPool.objects.get(org=alpha).total_credits == 100_000
    assert broken(alpha.pk) == []


def test_of_twenty_who_subscribe_one_does(alpha):
    orders = [Order("platform", trial_days=days) for days in (0, 14)] * 10
    ends = together(
        lambda order=order: subscribe(organization=alpha, order=order, origin=ORIGIN)
        for order in orders
    )
    assert sum(isinstance(end, SubscriptionExists) for end in ends) == 19
    assert Subscription.objects.live().filter(org=alpha).count() == 1
    assert BillingEvent.objects.count() == 1
