"""The predecessor joined history and allocations in one view: each member counted every bill again."""

from decimal import Decimal

import pytest

from billing.managers.subscriptions import SubscriptionManager
from billing.models import BillingSummary
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from billing.subscribing import Order, subscribe
from credits.deducting import deduct
from tests.api_client import ok
from tests.factories import make_member
from tests.ledger import ORIGIN, charge, give
from tests.regressions.teeth import guarded_by, python, view

pytestmark = pytest.mark.django_db

SUMMARY = "v_org_billing_summary"
MEMBERS_TOO = "\n    LEFT JOIN public.user_credit_allocations AS other ON other.org_id = "
EVENTS_TOO = "\n    LEFT JOIN public.org_billing_history AS other ON other.org_id = "
HISTORY = "FROM public.org_billing_history AS h"
PAYMENTS = "FROM public.payments AS p"
ALLOCATIONS = "FROM public.user_credit_allocations AS a"
LIVE = "FROM public.organization_subscriptions AS s"


@pytest.fixture
def busy(alpha, globex, alice, bob):
    """Alpha with four events, four payments and three allocations; Globex with a yearly plan."""
    subscribe(organization=alpha, order=Order("platform"), origin=ORIGIN)
    buy_on_account(organization=alpha, parcel=Parcel(1_000), origin=ORIGIN)
    buy_on_account(organization=alpha, parcel=Parcel(500), origin=ORIGIN)
    add_at_named_price(org_id=alpha.pk, parcel=Parcel(2_000, Decimal("7.00")), origin=ORIGIN)
    for user in (alice, bob, make_member(alpha).user):
        give(alpha, user, 100)
        deduct(charge(alpha, user, 10))
        deduct(charge(alpha, user, 5))
    order = Order("hybrid", billing_cycle="yearly")
    subscribe(organization=globex, order=order, origin=ORIGIN)
    buy_on_account(organization=globex, parcel=Parcel(100), origin=ORIGIN)
    return alpha


def check_the_summary(org):
    rows = BillingSummary.objects.all()
    assert len(rows) == 2
    row = rows.get(org_id=org.pk)
    assert (row.event_count, row.billed_amount) == (4, Decimal("72.00"))
    assert (row.purchased_amount, row.paid_amount) == (Decimal("22.00"), Decimal("7.00"))
    assert (row.pending_amount, row.monthly_revenue) == (Decimal("65.00"), Decimal("50.00"))
    assert (row.total_credits, row.allocated_credits) == (3_500, 300)
    assert (row.available_credits, row.used_credits) == (3_200, 45)
    assert sum(row.monthly_revenue for row in rows) == Decimal("132.50")


@guarded_by(apart=view(SUMMARY, (HISTORY, HISTORY + MEMBERS_TOO + "h.org_id")))
def test_members_do_not_multiply_what_was_billed(busy):
    check_the_summary(busy)


@guarded_by(apart=view(SUMMARY, (PAYMENTS, PAYMENTS + EVENTS_TOO + "p.org_id")))
def test_events_do_not_multiply_what_was_paid(busy):
    check_the_summary(busy)


@guarded_by(apart=view(SUMMARY, (ALLOCATIONS, ALLOCATIONS + EVENTS_TOO + "a.org_id")))
def test_events_do_not_multiply_what_was_used(busy):
    check_the_summary(busy)


@guarded_by(apart=view(SUMMARY, (LIVE, LIVE + EVENTS_TOO + "s.org_id")))
def test_events_do_not_multiply_organizations(busy):
    check_the_summary(busy)


@guarded_by(
    apart=python(
        SubscriptionManager,
        "revenue_by_plan",
        (
            "status__in=REVENUE_STATUSES",
            "status__in=REVENUE_STATUSES, org__billing_events__isnull=False",
        ),
    )
)
def test_the_systems_dashboard_counts_each_subscription_once(busy, system_admin, client_for):
    """99.00 a month paid for ten months of twelve is 82.50."""
    seen = ok(client_for(system_admin).get("billing/system"))
    assert seen["revenue"] == {
        "mrr": "132.50",
        "arr": "1590.00",
        "active_subscriptions": 2,
        "currency": "USD",
    }
    assert {row["plan"]: (row["count"], row["mrr"]) for row in seen["plans"] if row["count"]} == {
        "platform": (1, "50.00"),
        "hybrid": (1, "82.50"),
    }
    assert seen["credits"] == {"total": 3_600, "allocated": 300, "used": 45, "available": 3_300}
