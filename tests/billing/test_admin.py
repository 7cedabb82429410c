"""The console's pages about money."""

import pytest
from django.test import Client

from billing.models import BillingEvent, Payment, Plan
from billing.purchase import Parcel, buy_on_account
from tests.billing.conftest import ORIGIN
from tests.factories import make_organization

PAGES = ("plan", "subscription", "billingevent", "payment", "billingsummary")


@pytest.fixture
def console(system_admin) -> Client:
    """A system admin's browser."""
    client = Client()
    client.force_login(system_admin)
    return client


@pytest.fixture
def rows(alpha, subscribed):
    """One of everything."""
    subscription = subscribed(alpha)
    buy_on_account(organization=alpha, parcel=Parcel(100), origin=ORIGIN)
    return {
        "plan": "platform",
        "subscription": subscription.id,
        "billingevent": BillingEvent.objects.filter(event_type="credit_purchase").get().id,
        "payment": Payment.objects.order_by("id").last().id,
        "billingsummary": alpha.id,
    }


@pytest.mark.parametrize("page", PAGES)
def test_lists_and_rows_are_shown(console, rows, page):
    listing = console.get(f"/admin/billing/{page}/")
    assert listing.status_code == 200
    assert console.get(f"/admin/billing/{page}/{rows[page]}/change/").status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_added_or_deleted(console, rows, page):
    assert console.get(f"/admin/billing/{page}/add/").status_code == 403
    assert console.post(f"/admin/billing/{page}/{rows[page]}/delete/").status_code == 403


@pytest.mark.parametrize("page", PAGES[1:])
def test_only_the_catalogue_can_be_changed(console, rows, page):
    response = console.post(f"/admin/billing/{page}/{rows[page]}/change/", {"status": "paid"})
    assert response.status_code == 403


def test_a_changed_price_is_for_new_subscriptions(console, rows, alpha):
    form = {
        "name": "Platform",
        "description": "",
        "monthly_price": "55.00",
        "yearly_months": "10",
        "credit_price": "0.02",
        "overage_ceiling": "10000",
        "is_active": "on",
    }
    response = console.post("/admin/billing/plan/platform/change/", form)
    assert response.status_code == 302
    assert str(Plan.objects.get(code="platform").monthly_price) == "55.00"
    assert str(alpha.subscriptions.get().monthly_price) == "50.00"


def test_an_owner_sees_their_own_and_a_stranger_nothing(alice, charlie, globex, rows, alpha):
    client = Client()
    client.force_login(alice)
    for page in PAGES[1:]:
        listing = client.get(f"/admin/billing/{page}/")
        assert listing.status_code == 200
        assert {row.org_id for row in listing.context["cl"].result_list} == {alpha.pk}
    assert client.get("/admin/billing/plan/").status_code == 403
    client.force_login(charlie)
    for page in PAGES[1:]:
        listing = client.get(f"/admin/billing/{page}/")
        assert alpha.pk not in {row.org_id for row in listing.context["cl"].result_list}
        assert client.get(f"/admin/billing/{page}/{rows[page]}/change/").status_code == 302


def test_lists_say_prices_and_states_in_words(console, rows):
    for page, words in (
        ("subscription", ("Active", "USD 50.00 monthly")),
        ("billingevent", ("Credit purchase", "USD 50.00", "Pending")),
        ("payment", ("Subscription created", "Credit purchase", "USD 50.00", "Pending")),
        ("billingsummary", ("Active", "50.00")),
    ):
        listing = console.get(f"/admin/billing/{page}/").content.decode()
        for word in words:
            assert word in listing, (page, word)


def test_what_is_scheduled_is_listed(console, rows, alpha):
    scheduled = {"scheduled_plan_id": "byok", "scheduled_cycle": "yearly"}
    alpha.subscriptions.update(**scheduled)
    assert "BYOK, Yearly" in console.get("/admin/billing/subscription/").content.decode()
    alpha.subscriptions.update(cancel_at_period_end=True)
    assert "Ends" in console.get("/admin/billing/subscription/").content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_no_list_asks_for_each_row(console, rows, page, subscribed, django_assert_max_num_queries):
    for _ in range(5):
        subscribed(make_organization())
    url = f"/admin/billing/{page}/"
    console.get(url)
    with django_assert_max_num_queries(14):
        assert console.get(url).status_code == 200


def test_filters_are_survived_and_offer_no_names_of_others(rows, alice, globex, subscribed):
    subscribed(globex, "hybrid")
    client = Client()
    client.force_login(alice)
    for page in PAGES[1:]:
        listing = client.get(f"/admin/billing/{page}/").content.decode()
        assert "Globex" not in listing
    events = client.get("/admin/billing/payment/?event__event_type__exact=credit_purchase")
    assert len(events.context["cl"].result_list) == 1
