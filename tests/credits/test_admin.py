"""The console's ledger pages: a system admin reads them, nobody writes, nobody else comes in."""

import pytest
from django.test import Client

from credits.deducting import deduct
from credits.models import CreditPool
from tests.api_client import ok, problem
from tests.ledger import charge

pytestmark = pytest.mark.django_db
PAGES = ("creditpool", "allocation", "usage", "journalentry", "price")


@pytest.fixture
def console(system_admin):
    client = Client()
    client.force_login(system_admin)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_lists_and_rows_are_shown_and_never_written(console, funded, alice, page):
    deduct(charge(funded, alice, 5))
    listing = console.get(f"/admin/credits/{page}/?q=")
    assert listing.status_code == 200
    assert b"Select" in listing.content
    row = next(iter(listing.context["cl"].result_list))
    shown = console.get(f"/admin/credits/{page}/{row.pk}/change/")
    assert shown.status_code == 200
    assert b'name="_save"' not in shown.content
    assert console.post(f"/admin/credits/{page}/{row.pk}/change/", {}).status_code == 403
    assert console.get(f"/admin/credits/{page}/add/").status_code == 403
    assert console.get(f"/admin/credits/{page}/{row.pk}/delete/").status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_an_owner_is_no_system_admin(funded, alice, page):
    client = Client()
    client.force_login(alice)
    assert client.get(f"/admin/credits/{page}/").status_code == 403


def test_suspending_and_reactivating(console, funded, system_key, client_for, alice):
    api = client_for(system_key)
    spend = {"org_id": str(funded.pk), "user_id": str(alice.pk), "service_name": "x", "credits": 1}
    chosen = {"_selected_action": [str(CreditPool.objects.get(org=funded).pk)]}
    console.post("/admin/credits/creditpool/", {"action": "suspend", **chosen})
    problem(api.post("credits/deduct", spend), 422, "organization_suspended")
    console.post("/admin/credits/creditpool/", {"action": "reactivate", **chosen})
    ok(api.post("credits/deduct", spend), 201)


@pytest.mark.parametrize(
    "query", ["?name__exact=%00", "?created_at__year=99999999999", "?p=x", "?o=9"]
)
def test_bad_queries_of_the_console_are_no_500(console, funded, query):
    for page in PAGES:
        assert console.get(f"/admin/credits/{page}/{query}").status_code < 500
