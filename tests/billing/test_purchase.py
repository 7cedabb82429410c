"""Credits are given, sold at a named price, or bought on account."""

from decimal import Decimal

import pytest

from billing.errors import AccountLimitExceeded
from billing.models import BillingEvent, Payment, Plan
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from credits.models import CreditPool, JournalEntry
from organizations.errors import OrganizationSuspended
from organizations.models import Organization
from orgbilling.lib.clock import now
from orgbilling.lib.errors import PermissionRefused
from tests.billing.conftest import ORIGIN


def buy(organization, credits, amount=None, **parcel):
    return buy_on_account(
        organization=organization, parcel=Parcel(credits, amount, **parcel), origin=ORIGIN
    )


def test_a_grant_costs_nothing_and_owes_nothing(alpha):
    pool, event = add_at_named_price(
        org_id=alpha.id, parcel=Parcel(500, notes="welcome"), origin=ORIGIN
    )
    assert (pool.total_credits, pool.available_credits) == (500, 500)
    assert (pool.lifetime_purchased_credits, pool.lifetime_spent_amount) == (0, Decimal("0.00"))
    assert (event.event_type, event.amount, event.credits) == ("credit_grant", 0, 500)
    assert event.payment_status is None
    assert event.notes == "welcome"
    assert not Payment.objects.exists()
    assert JournalEntry.objects.get(org=alpha).kind == "grant"


def test_a_named_price_is_paid_already(alpha):
    pool, event = add_at_named_price(
        org_id=alpha.id,
        parcel=Parcel(1000, Decimal("7.50"), reference="PO-1"),
        origin=ORIGIN,
    )
    assert (pool.lifetime_purchased_credits, pool.lifetime_spent_amount) == (1000, Decimal("7.50"))
    assert (event.event_type, event.amount) == ("credit_purchase", Decimal("7.50"))
    assert event.payment_status == "paid"
    assert event.metadata == {"reference": "PO-1"}
    payment = Payment.objects.get(org=alpha)
    assert payment.paid_at == event.created_at
    assert JournalEntry.objects.get(org=alpha).kind == "purchase"


def test_on_account_the_amount_is_computed(alpha):
    pool, event = buy(alpha, 12_345)
    assert pool.total_credits == 12_345
    assert event.amount == Decimal("123.45")
    assert event.payment_status == "pending"
    assert Payment.objects.unpaid_purchases(alpha.id) == Decimal("123.45")


def test_on_account_the_same_price_may_be_named_and_no_other(alpha):
    buy(alpha, 100, Decimal("1.00"))
    for wrong in ("0.00", "0.99", "1.01"):
        with pytest.raises(PermissionRefused):
            buy(alpha, 100, Decimal(wrong))
    assert CreditPool.objects.get(org=alpha).total_credits == 100


def test_the_price_is_that_of_the_plan_or_the_highest_without_one(alpha, globex, subscribed):
    Plan.objects.filter(code="hybrid").update(credit_price=Decimal("0.03"))
    Plan.objects.filter(code="byok").update(credit_price=Decimal("0.02"))
    subscribed(alpha, "byok")
    assert buy(alpha, 100)[1].amount == Decimal("2.00")
    assert buy(globex, 100)[1].amount == Decimal("3.00")


def test_the_unpaid_sum_reaches_the_limit_and_does_not_pass_it(alpha):
    buy(alpha, 60_000)
    buy(alpha, 40_000)
    with pytest.raises(AccountLimitExceeded) as refused:
        buy(alpha, 1)
    assert refused.value.extra == {
        "unpaid_amount": "1000.00",
        "purchase_amount": "0.01",
        "account_limit": "1000.00",
        "currency": "USD",
    }
    assert CreditPool.objects.get(org=alpha).total_credits == 100_000


def test_a_single_purchase_past_the_limit_is_refused(alpha):
    with pytest.raises(AccountLimitExceeded):
        buy(alpha, 10**15)
    assert not BillingEvent.objects.filter(org=alpha).exists()


def test_only_unpaid_purchases_of_the_same_organization_count(alpha, globex, subscribed):
    subscribed(alpha, "hybrid", billing_cycle="yearly")
    buy(globex, 100_000)
    add_at_named_price(org_id=alpha.id, parcel=Parcel(5, Decimal("900.00")), origin=ORIGIN)
    buy(alpha, 100_000)
    with pytest.raises(AccountLimitExceeded):
        buy(alpha, 1)
    pending = Payment.objects.filter(org=alpha, event__event_type="credit_purchase")
    pending.filter(status="pending").update(status="paid", paid_at=now())
    buy(alpha, 100_000)


def test_the_limit_is_the_organizations_own(alpha):
    CreditPool.objects.filter(org=alpha).update(account_limit=Decimal("5.00"))
    buy(alpha, 500)
    with pytest.raises(AccountLimitExceeded):
        buy(alpha, 1)


def test_a_suspended_organization_buys_nothing_and_may_be_given_something(alpha):
    Organization.objects.suspend(alpha.id, by=None)
    alpha.refresh_from_db()
    with pytest.raises(OrganizationSuspended):
        buy(alpha, 1)
    pool, _ = add_at_named_price(org_id=alpha.id, parcel=Parcel(1), origin=ORIGIN)
    assert pool.total_credits == 1
