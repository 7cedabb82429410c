"""In the predecessor an organization's admin said what its plan and its credits cost: nothing."""

from decimal import Decimal

import pytest

from billing.api import purchases
from billing.api.purchases import AddCreditsView
from billing.api.subscriptions import SubscriptionsView
from billing.models import BillingEvent, Payment, Subscription
from credits.models import CreditPool, Usage
from orgbilling.web.fields import StrictSerializer
from tests.api_client import ok, problem
from tests.ledger import give
from tests.regressions.teeth import guarded_by, python, replaced

pytestmark = pytest.mark.django_db


@pytest.fixture
def customers(alice, alpha_key, client_for):
    """Who pays: the owner, and a service of the organization."""
    return [client_for(alice), client_for(alpha_key)]


@guarded_by(caller=replaced(AddCreditsView, "may_name_price", lambda _self: True))
def test_nobody_gives_themselves_credits(alpha, customers):
    for number, api in enumerate(customers):
        api.post(f"credits/{alpha.pk}/add", {"credits": 1_000, "purchase_amount": "0.00"})
        api.post(f"credits/{alpha.pk}/add", {"credits": 1_000, "purchase_amount": "0.01"})
        ok(api.post(f"credits/{alpha.pk}/add", {"credits": 1_000}), 201)
        assert CreditPool.objects.get(org=alpha).total_credits == 1_000 * (number + 1)
    events = BillingEvent.objects.with_payment_status()
    assert [(event.event_type, event.amount, event.payment_status) for event in events] == [
        ("credit_purchase", Decimal("10.00"), "pending")
    ] * 2


@guarded_by(
    comparison=python(
        purchases,
        "buy_on_account",
        ("parcel.amount is not None and parcel.amount != amount", "False"),
    )
)
def test_another_price_is_refused_and_not_passed_over(alpha, customers):
    for api in customers:
        for amount in ("0.00", "9.99", "10.01"):
            body = {"credits": 1_000, "purchase_amount": amount}
            problem(api.post(f"credits/{alpha.pk}/add", body), 403, "permission_denied")
    assert CreditPool.objects.get(org=alpha).total_credits == 0
    assert Payment.objects.count() == 0


@guarded_by(
    caller=python(
        SubscriptionsView,
        "post",
        ('"monthly_price" in body and not self.principal.is_system_admin', "False"),
    )
)
def test_nobody_sets_the_price_of_their_plan(alpha, customers, system_key, client_for):
    body = {"org_id": str(alpha.pk), "subscription_plan": "hybrid", "monthly_price": "0.01"}
    for api in (*customers, client_for(system_key)):
        problem(api.post("subscriptions", body), 403, "permission_denied")
    assert Subscription.objects.count() == 0


@guarded_by(
    known_fields=python(StrictSerializer, "to_internal_value", ("if unknown:", "if False:"))
)
def test_no_other_field_sets_a_price_a_balance_or_a_role(alpha, alice, client_for):
    api = client_for(alice)
    made = ok(
        api.post("subscriptions", {"org_id": str(alpha.pk), "subscription_plan": "platform"}), 201
    )
    ok(api.post(f"credits/{alpha.pk}/add", {"credits": 1_000}), 201)
    give(alpha, alice, 500)
    whose = {"org_id": str(alpha.pk), "user_id": str(alice.pk), "service_name": "contact_lookup"}
    subscription = f"subscriptions/{made['id']}"
    for method, path, body in [
        ("PUT", subscription, {"monthly_price": "0.01"}),
        ("PATCH", subscription, {"status": "active"}),
        ("PATCH", subscription, {"current_period_end": "2099-01-01T00:00:00Z"}),
        ("POST", f"credits/{alpha.pk}/add", {"credits": 1, "unit_price": "0.00"}),
        ("POST", f"credits/{alpha.pk}/add", {"credits": 1, "payment_status": "paid"}),
        (
            "POST",
            f"credits/{alpha.pk}/allocate",
            {"user_id": str(alice.pk), "credits": 1, "used_credits": 0},
        ),
        ("POST", "credits/deduct", {**whose, "quantity": 3, "unit_price": 0}),
        ("POST", "credits/deduct", {**whose, "quantity": 3, "credits_used": 1}),
        ("POST", "organizations", {"name": "another", "is_staff": True}),
    ]:
        problem(api.request(method, path, body), 400, "unknown_field")
    assert Subscription.objects.get().monthly_price == Decimal("50.00")
    assert CreditPool.objects.get(org=alpha).total_credits == 1_000
    assert Usage.objects.count() == 0


def test_what_the_catalogue_charges_is_what_is_charged(alpha, alice, client_for):
    """The good case beside the refusals: plan, credits and service at their listed prices."""
    api = client_for(alice)
    made = ok(
        api.post("subscriptions", {"org_id": str(alpha.pk), "subscription_plan": "platform"}), 201
    )
    assert made["monthly_price"] == "50.00"
    bought = {"credits": 1_000, "purchase_amount": "10.00"}
    event = ok(api.post(f"credits/{alpha.pk}/add", bought), 201)["event"]
    assert (event["amount"], event["payment_status"]) == ("10.00", "pending")
    give(alpha, alice, 500)
    body = {
        "org_id": str(alpha.pk),
        "user_id": str(alice.pk),
        "service_name": "company_enrichment",
        "quantity": 3,
    }
    usage = ok(api.post("credits/deduct", body), 201)
    assert (usage["unit_price"], usage["credits_used"], usage["remaining_credits"]) == (
        50,
        150,
        350,
    )
