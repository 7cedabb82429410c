"""The console's pages about money."""

import pytest
from django.test import Client

from billing.models import BillingEvent, Payment, Plan
from billing.purchase import Parcel, buy_on_account
from tests.billing.conftest import ORIGIN

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


def test_the_console_is_for_system_admins(alice, rows):
    client = Client()
    client.force_login(alice)
    assert client.get("/admin/billing/billingevent/").status_code == 403
