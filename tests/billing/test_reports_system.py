"""What whoever runs the service sees."""

from datetime import timedelta
from decimal import Decimal

from billing.models import LedgerCheck
from billing.reports import (
    past_due,
    revenue,
    sign_ups,
    subscriptions_by_plan_and_status,
    system_credits,
    system_report,
)
from credits.holding import HoldOrder, place
from orgbilling.lib.clock import now
from tests.billing.clockwork import advance, pay
from tests.billing.conftest import count_queries
from tests.credits.test_reports import spend
from tests.factories import make_organization, make_user
from tests.ledger import charge, fund, give, let_spend


def test_revenue_is_of_active_and_past_due_subscriptions(alpha, globex, subscribed):
    subscribed(alpha, "platform")
    subscribed(globex, "hybrid", billing_cycle="yearly")
    subscribed(make_organization(), "byok", trial_days=5)
    now_ = revenue()
    hybrid = now_.by_plan["hybrid"]
    assert now_.by_plan["platform"] == (1, Decimal("50.00"))
    assert (now_.mrr, now_.currency) == (Decimal("50.00") + hybrid[1], "USD")
    assert (now_.arr, now_.subscriptions) == (12 * now_.mrr, 2)


def test_subscriptions_are_counted_by_plan_and_status(alpha, globex, subscribed):
    subscribed(alpha, "platform")
    subscribed(globex, "byok", trial_days=5)
    counted = subscriptions_by_plan_and_status()
    assert set(counted) == {"platform", "byok", "hybrid"}
    assert counted["platform"]["active"] == counted["byok"]["trialing"] == 1
    assert sum(number for plan in counted.values() for number in plan.values()) == 2
    assert counted["hybrid"]["canceled"] == 0


def test_credits_of_the_system_add_up(funded, globex, charlie, bob):
    fund(globex, 500)
    let_spend(globex)
    give(globex, charlie, 200)
    spend(globex, charlie, 50)
    place(HoldOrder(charge(funded, bob, 30)))
    totals = system_credits()
    assert (totals.total, totals.available, totals.allocated) == (10_500, 8_800, 1_700)
    assert (totals.remaining, totals.held, totals.used) == (1_620, 30, 50)
    assert (totals.overage, totals.expired) == (0, 0)
    assert totals.total == (
        totals.available + totals.remaining + totals.held + totals.used - totals.overage
    )


def test_the_past_due_are_listed_with_what_they_owe(alpha, globex, subscribed):
    began = now() - timedelta(days=20)
    subscription = subscribed(alpha, at=began)
    advance(subscription, now())
    subscribed(globex)
    (row,) = past_due()
    assert (row.org_id, row.org_name, row.plan) == (alpha.pk, "Test Org Alpha", "platform")
    assert (row.owed, row.currency) == (Decimal("50.00"), "USD")
    assert row.subscription_id == subscription.pk
    assert row.oldest_charge_at == began
    assert row.ends_at - row.since == timedelta(days=30)
    pay(subscription, now())
    assert past_due() == []


def test_sign_ups_have_every_day(alpha, globex):
    ups = sign_ups(days=3)
    assert len(ups.days) == 3
    assert ups.days[-1] == now().date()
    assert ups.organizations == (0, 0, 2)
    assert ups.users == (0, 0, 3)


def test_the_whole_report_has_a_bounded_number_of_queries(funded, bob, alpha, subscribed):
    subscribed(alpha)
    spend(funded, bob, 5)
    assert count_queries(system_report) == 12
    for _ in range(10):
        organization = make_organization(owner=make_user())
        fund(organization, 10)
        subscribed(organization)
    assert count_queries(system_report) == 12
    report = system_report()
    assert report.usage.total == 5
    assert report.top_organizations[0]["org_name"] == "Test Org Alpha"
    assert report.revenue.mrr == Decimal("550.00")
    assert report.health.last is LedgerCheck.objects.last_finished() is None
