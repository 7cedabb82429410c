"""Workers, sweeps and people at the same subscription at the same moment, on connections of their own."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from billing import plan_change, renewal, settling, sweeping
from billing.models import BillingEvent, Payment, Subscription
from orgbilling.lib.clock import simulated
from orgbilling.lib.transactions import run
from tests.billing.clockwork import advance, billed, day, told
from tests.billing.conftest import ORIGIN
from tests.concurrency.threads import Elsewhere, together
from tests.factories import make_organization

pytestmark = pytest.mark.django_db(transaction=True)
START = day("2026-11-01")
END = day("2026-12-01")
LATE = START + timedelta(days=90)
WORKERS = 8


def at(moment, work):
    """The work, under the simulated clock of the thread's own connection."""

    def simulate():
        with simulated(moment):
            return work()

    return simulate


def advancing(subscription, moment):
    return at(
        moment,
        lambda: run(
            lambda: renewal.advance(org_id=subscription.org_id, subscription_id=subscription.pk)
        ),
    )


def test_workers_at_once_bill_each_period_once(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    outcomes = together([advancing(subscription, LATE)] * WORKERS)
    assert [one for one in outcomes if isinstance(one, Exception)] == []
    assert [amount for _, _, amount in billed(subscription)] == [Decimal("50.00")] * 3
    assert told(subscription) == ["subscription_renewed", "subscription_renewed", "payment_overdue"]


def test_sweeps_at_once_share_the_work(subscribed):
    subscriptions = [subscribed(make_organization(), at=START) for _ in range(12)]
    counts = together([at(LATE, sweeping.advance_due)] * 4)
    assert sum(counts) >= len(subscriptions)
    with simulated(LATE):
        assert sweeping.advance_due() == 0
    assert {len(billed(one)) for one in subscriptions} == {3}
    assert BillingEvent.objects.filter(event_type="subscription_renewed").count() == 24


def test_a_sweep_skips_what_somebody_has_locked(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    with simulated(LATE):

        def hold() -> int:
            Subscription.objects.lock(org_id=alpha.pk, subscription_id=subscription.pk)
            elsewhere = Elsewhere(at(LATE, sweeping.advance_due))
            assert not elsewhere.is_stuck()
            return elsewhere.result()

        assert run(hold) == 0
        assert sweeping.advance_due() == 1


def test_a_change_and_a_renewal_at_once_take_turns(alpha, subscribed):
    subscription = subscribed(alpha, "byok", at=START)

    def upgrade():
        return run(
            lambda: plan_change.change(
                org_id=alpha.pk,
                subscription_id=subscription.pk,
                plan="hybrid",
                billing_cycle=None,
                origin=ORIGIN,
            )
        )

    outcomes = together([at(END, upgrade), *[advancing(subscription, END)] * 3])
    assert [one for one in outcomes if isinstance(one, Exception)] == []
    # Whoever came first: December began as BYOK, and was raised to Hybrid at its first second.
    assert [amount for _, _, amount in billed(subscription)][1:] == [
        Decimal("30.00"),
        Decimal("69.00"),
    ]
    assert Subscription.objects.get().monthly_price == Decimal("99.00")


def test_a_payment_settled_twice_at_once_is_settled_once(alpha, subscribed):
    subscription = subscribed(alpha, at=START)
    advance(subscription, START + timedelta(days=14))
    payment = Payment.objects.get()

    def pay():
        return run(lambda: settling.settle(org_id=alpha.pk, payment_id=payment.pk, origin=ORIGIN))

    outcomes = together([at(START + timedelta(days=15), pay)] * WORKERS)
    assert [one for one in outcomes if isinstance(one, Exception)] == []
    assert told(subscription) == ["payment_overdue", "payment_received", "subscription_recovered"]


@pytest.mark.parametrize("statement", range(1, 30, 2))
def test_a_worker_killed_between_any_two_statements_leaves_nothing_half(
    alpha, subscribed, statement
):
    subscription = subscribed(alpha, at=START)
    before = Subscription.objects.filter(pk=subscription.pk).values().get()
    seen = 0

    def die(execute, sql, params, many, context):
        nonlocal seen
        seen += 1
        if seen == statement:
            raise KeyboardInterrupt
        return execute(sql, params, many, context)

    with simulated(LATE):
        try:
            with connection.execute_wrapper(die):
                run(lambda: renewal.advance(org_id=alpha.pk, subscription_id=subscription.pk))
        except KeyboardInterrupt:
            assert Subscription.objects.filter(pk=subscription.pk).values().get() == before
            assert len(billed(subscription)) == 1
            assert told(subscription) == []
    advance(subscription, LATE)
    assert len(billed(subscription)) == 3
    assert told(subscription).count("payment_overdue") == 1
