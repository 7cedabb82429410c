"""The predecessor took any number: deduct -5,000 and a member with 1,000 credits had 6,000."""

from decimal import Decimal

import pytest
from rest_framework import serializers

from billing.models import Subscription
from credits.choices import JournalKind
from credits.models import Allocation, CreditPool, Usage
from orgbilling.web import fields
from tests.concurrency.invariants import broken
from tests.concurrency.threads import attempt
from tests.ledger import ORIGIN, balances, charge
from tests.regressions.teeth import both, constraint, guarded_by, python, replaced, sql

pytestmark = pytest.mark.django_db

ANY_CHARGE = ("NOT BETWEEN 1 AND", "NOT BETWEEN -1000000000000000 AND")
ANY_AMOUNT = ("p_credits < 1 OR ", "")
usage_check = constraint(
    "credit_usage_attribution", "usage_sign_matches_operation", "usage_overage_within_credits"
)
journal_check = constraint("credit_journal", "journal_credits_positive")
allocation_check = constraint("user_credit_allocations", "allocation_balances_not_negative")
pool_check = constraint(
    "organization_credit_pools", "pool_allocated_within_total", "pool_total_range"
)
available_check = constraint("credit_journal", "journal_available_not_negative")


@pytest.fixture
def spent(funded, alice):
    """Alice has spent 400 of her 1,000."""
    assert Usage.objects.charge(charge(funded, alice, 400)).outcome == "charged"
    return funded


@guarded_by(function=sql("deduct_credits", ANY_CHARGE), check=usage_check)
def test_a_negative_charge_gives_nothing_back(spent, alice):
    before = balances(spent, alice)
    attempt(lambda: Usage.objects.charge(charge(spent, alice, -300)))
    assert balances(spent, alice) == before


@guarded_by(function=sql("deduct_credits_with_pool", ANY_CHARGE), check=usage_check)
def test_nor_does_one_with_the_pool_locked(spent, alice):
    before = balances(spent, alice)
    attempt(lambda: Usage.objects.charge_with_pool(charge(spent, alice, -300)))
    assert balances(spent, alice) == before


@guarded_by(
    function=sql("deduct_credits", ANY_CHARGE),
    usage_check=usage_check,
    allocation_check=both(
        allocation_check,
        constraint("user_credit_allocations", "allocation_lifetime_covers_period"),
    ),
)
def test_the_predecessors_5000_stay_away(funded, alice):
    attempt(lambda: Usage.objects.charge(charge(funded, alice, -5_000)))
    assert balances(funded, alice).remaining == 1_000


@guarded_by(function=sql("allocate_credits_to_user", ANY_AMOUNT), check=journal_check)
def test_a_negative_allocation_takes_nothing_from_the_member(funded, alice):
    before = balances(funded, alice)
    attempt(lambda: allocate(funded, alice, -500))
    assert balances(funded, alice) == before


@guarded_by(
    function=sql("allocate_credits_to_user", ANY_AMOUNT),
    journal_check=journal_check,
    allocation_check=allocation_check,
    pool_check=pool_check,
)
def test_the_predecessors_pool_of_9000_never_has_14000(funded, alice):
    attempt(lambda: allocate(funded, alice, -5_000))
    assert balances(funded, alice).available == 8_500


@guarded_by(function=sql("add_credits_to_pool", ANY_AMOUNT), check=journal_check)
def test_a_negative_grant_takes_nothing_from_the_pool(funded, alice):
    before = balances(funded, alice)
    attempt(lambda: add(funded, -4_000))
    assert balances(funded, alice) == before


@guarded_by(
    function=sql("add_credits_to_pool", ANY_AMOUNT),
    journal_check=journal_check,
    available_check=available_check,
    pool_check=pool_check,
)
def test_no_pool_is_emptied_below_zero(funded, alice):
    attempt(lambda: add(funded, -999_999))
    assert balances(funded, alice).total == 10_000


any_integer = replaced(
    fields.CreditsField,
    "__init__",
    serializers.IntegerField.__init__,
)


@pytest.mark.parametrize("amount", [-5_000, -1, 0])
@guarded_by(
    field=any_integer,
    function=both(
        sql("deduct_credits", ANY_CHARGE),
        sql("allocate_credits_to_user", ANY_AMOUNT),
        sql("add_credits_to_pool", ANY_AMOUNT),
    ),
)
def test_over_http_every_amount_is_one_at_least(funded, alice, system_admin, client_for, amount):
    api, before = client_for(system_admin), balances(funded, alice)
    deduction = {"org_id": str(funded.pk), "user_id": str(alice.pk), "service_name": "fax"}
    answers = [
        api.post("credits/deduct", {**deduction, "credits": amount}),
        api.post("credits/deduct", {**deduction, "quantity": amount}),
        api.post(f"credits/{funded.pk}/allocate", {"user_id": str(alice.pk), "credits": amount}),
        api.post(f"credits/{funded.pk}/add", {"credits": amount}),
    ]
    assert [answer.status_code for answer in answers] == [400] * 4
    assert balances(funded, alice) == before
    assert broken(funded.pk) == []


@guarded_by(
    pattern=replaced(fields, "_MONEY", fields.re.compile(r"-?[0-9]+\.[0-9]{2}")),
    minimum=python(fields.MoneyField, "to_internal_value", ("if amount < self.min_value", "if 0")),
    check=both(
        constraint("organization_subscriptions", "organization_subscriptions_price_check"),
        constraint("org_billing_history", "org_billing_history_amount_check"),
    ),
)
def test_no_subscription_costs_minus_five(alpha, system_admin, client_for):
    client_for(system_admin).post(
        "subscriptions",
        {"org_id": str(alpha.pk), "subscription_plan": "platform", "monthly_price": "-5.00"},
    )
    assert Subscription.objects.count() == 0


def allocate(org, user, credits):
    return Allocation.objects.allocate(
        org_id=org.pk, user_id=user.pk, credits=credits, origin=ORIGIN
    )


def add(org, credits):
    return CreditPool.objects.add(
        org_id=org.pk,
        credits=credits,
        kind=JournalKind.GRANT,
        purchase_amount=Decimal(0),
        actor="system",
        request_id="test",
    )
