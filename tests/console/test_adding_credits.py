"""Adding credits: on account for an organization, at a named price for whoever runs the service."""

from decimal import Decimal

import pytest

from billing.models import BillingEvent, Payment, Plan
from credits.models import CreditPool, JournalEntry
from organizations.choices import Role
from tests.console.actions import Action, signed_in, text_of
from tests.factories import make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(funded):
    return f"/admin/org/{funded.pk}/credits/add/"


def available(organization):
    return CreditPool.objects.get(org=organization).available_credits


def test_an_owner_buys_on_account_after_seeing_the_price(funded, alice, address):
    action = Action(signed_in(alice), address, credits="1,000", reference="PO 7", notes="More")
    assert "0.02 USD" in text_of(action.opened) or "USD" in text_of(action.opened)
    page = text_of(action.review())
    assert "1,000 credits for" in page
    assert "8,500" in page
    assert "9,500" in page
    assert available(funded) == 8_500
    assert Payment.objects.count() == 0
    done = text_of(action.confirm())
    assert "the pool has 9,500 available" in done
    event = BillingEvent.objects.get(event_type="credit_purchase")
    assert (event.credits, event.notes, event.metadata) == (1_000, "More", {"reference": "PO 7"})
    assert Payment.objects.get().status == "pending"
    assert available(funded) == 9_500


def test_sent_twice_it_is_added_once_and_answered_twice(funded, alice, address):
    action = Action(signed_in(alice), address, credits="10")
    action.review()
    first, second = text_of(action.confirm()), text_of(action.confirm())
    assert "10 credits added" in first
    assert "10 credits added" in second
    assert available(funded) == 8_510
    other = {**action.fields, "credits": "20", "confirmed": "1"}
    assert "sent before with other values" in text_of(action.client.post(address, other))
    assert available(funded) == 8_510


def test_when_the_price_has_risen_it_is_shown_again(funded, alice, address):
    action = Action(signed_in(alice), address, credits="100")
    assert "100 credits for 1.00 USD" in text_of(action.review())
    Plan.objects.update(credit_price=Decimal("0.05"))
    page = action.confirm()
    assert "The amount has risen since you looked, so nothing was done" in text_of(page)
    assert "100 credits for 5.00 USD" in text_of(page)
    assert Payment.objects.count() == 0
    assert available(funded) == 8_500
    action.fields["quoted"] = page.context["form"].data["quoted"]
    action.confirm()
    assert Payment.objects.get().amount == Decimal("5.00")


def test_what_was_not_shown_is_not_charged(funded, alice, address):
    page = text_of(Action(signed_in(alice), address, credits="100").confirm())
    assert "The amount has risen since you looked" in page
    assert Payment.objects.count() == 0


def test_beyond_the_limit_it_says_how_many_can_be_bought(funded, alice, address):
    pool = CreditPool.objects.get(org=funded)
    CreditPool.objects.change_settings(org_id=funded.pk, account_limit=1)
    action = Action(signed_in(alice), address, credits="1000000")
    page = text_of(action.review())
    assert "Buy at most" in page
    assert "can raise the limit" in page
    assert available(funded) == pool.available_credits
    assert "Buy at most" in text_of(action.confirm())
    assert available(funded) == pool.available_credits


def test_an_amount_that_is_large_is_pointed_out(funded, system_admin, address):
    action = Action(signed_in(system_admin), address, kind="grant", credits="200000")
    assert "more than 100,000 credits" in text_of(action.review())


def test_a_system_admin_grants_or_sells_at_a_named_price(funded, system_admin, address):
    client = signed_in(system_admin)
    Action(client, address, kind="grant", credits="100").confirm()
    assert JournalEntry.objects.filter(org=funded, kind="grant", credits=100).exists()
    sale = Action(client, address, kind="purchase", credits="200", amount="7.50")
    assert "7.50 USD" in text_of(sale.review())
    sale.confirm()
    event = BillingEvent.objects.get(event_type="credit_purchase")
    assert (event.credits, str(event.amount)) == (200, "7.50")
    assert event.actor == f"user:{system_admin.pk}"
    assert available(funded) == 8_800


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "purchase", "credits": "5"}, "A purchase has a price"),
        ({"kind": "grant", "credits": "5", "amount": "1"}, "A grant has no price"),
        ({"kind": "grant", "credits": "0"}, "greater than or equal to 1"),
        ({"kind": "grant", "credits": "1.5"}, "whole number"),
        ({"kind": "grant", "credits": "1000000000000001"}, "less than or equal to"),
        ({"credits": "5"}, "This field is required"),
    ],
)
def test_what_the_form_refuses(funded, system_admin, address, fields, said):
    page = text_of(Action(signed_in(system_admin), address, **fields).review())
    assert said in page
    assert available(funded) == 8_500


def test_an_owner_can_name_no_price(funded, alice, address):
    action = Action(signed_in(alice), address, credits="100", kind="grant", amount="0")
    action.review()
    action.confirm()
    assert not JournalEntry.objects.filter(org=funded, kind="grant", credits=100).exists()
    assert Payment.objects.count() == 1


def test_members_and_strangers_are_refused(funded, bob, charlie, globex, address):
    for person in (bob, charlie):
        client = signed_in(person)
        assert client.get(address).status_code == 403
        assert client.post(address, {"credits": "5", "confirmed": "1"}).status_code == 403
    assert available(funded) == 8_500


def test_a_billing_admin_may(funded, address):
    person = make_member(funded, Role.BILLING_ADMIN).user
    assert signed_in(person).get(address).status_code == 200


def test_a_link_fills_in_the_form_but_not_its_key(alice, address):
    key = "018f0000-0000-7000-8000-000000000001"
    page = text_of(signed_in(alice).get(f"{address}?credits=25&key={key}"))
    assert 'value="25"' in page
    assert key not in page
