"""v_org_billing_summary: one row an organization, whose figures no join multiplies."""

from decimal import Decimal

from billing import cancellation
from billing.models import BillingEvent, BillingSummary, Payment, Subscription
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from credits.models import Allocation
from orgbilling.lib.clock import now
from tests.billing.conftest import ORIGIN


def summary(organization) -> BillingSummary:
    return BillingSummary.objects.get(org_id=organization.id)


def test_several_subscriptions_purchases_and_allocations_count_once_each(
    alpha, globex, alice, bob, subscribed
):
    for plan in ("platform", "byok", "hybrid"):
        subscription = subscribed(alpha, plan)
        if plan != "hybrid":
            cancellation.cancel(org_id=alpha.id, subscription_id=subscription.id, origin=ORIGIN)
    for amount in ("1.00", "20.00", "300.00"):
        add_at_named_price(org_id=alpha.id, parcel=Parcel(1_000, Decimal(amount)), origin=ORIGIN)
    for _ in range(2):
        buy_on_account(organization=alpha, parcel=Parcel(500), origin=ORIGIN)
    for user in (alice, bob):
        Allocation.objects.allocate(org_id=alpha.id, user_id=user.id, credits=100, origin=ORIGIN)
    row = summary(alpha)
    assert row.org_name == "Test Org Alpha"
    assert row.subscription_plan == "hybrid"
    assert row.subscription_status == "active"
    assert row.monthly_revenue == Decimal("99.00")
    # 3 subscriptions, 2 cancellations, 3 sales, 2 purchases on account
    assert row.event_count == 10
    assert row.purchased_amount == Decimal("331.00")
    assert row.billed_amount == Decimal("510.00")
    assert row.paid_amount == Decimal("321.00")
    assert row.pending_amount == Decimal("189.00")
    assert (row.total_credits, row.allocated_credits, row.available_credits) == (4000, 200, 3800)
    assert row.used_credits == 0
    assert row.last_event_at == BillingEvent.objects.latest("created_at").created_at
    assert BillingSummary.objects.count() == 2


def test_an_organization_that_has_done_nothing_has_a_row_of_zeros(alpha):
    row = summary(alpha)
    assert row.subscription_id is None
    assert row.subscription_plan is None
    assert row.monthly_revenue == 0
    assert (row.billed_amount, row.paid_amount, row.pending_amount) == (0, 0, 0)
    assert (row.event_count, row.used_credits, row.last_event_at) == (0, 0, None)


def test_the_view_and_the_dashboard_agree_on_revenue(alpha, globex, subscribed):
    subscribed(alpha, "platform", billing_cycle="yearly")
    subscribed(globex, "hybrid", trial_days=7)
    by_plan = Subscription.objects.revenue_by_plan()
    assert set(by_plan) == {"platform"}
    count, revenue = by_plan["platform"]
    assert count == 1
    assert round(revenue, 10) == round(summary(alpha).monthly_revenue, 10)
    assert summary(globex).monthly_revenue == 0


def test_a_voided_payment_is_neither_paid_nor_pending(alpha):
    buy_on_account(organization=alpha, parcel=Parcel(500), origin=ORIGIN)
    Payment.objects.filter(org=alpha).update(status="void", updated_at=now())
    row = summary(alpha)
    assert (row.billed_amount, row.paid_amount, row.pending_amount) == (Decimal("5.00"), 0, 0)
