"""The console's ledger pages: a system admin reads them, nobody writes, nobody else comes in."""

import pytest
from django.test import Client

from credits.deducting import deduct
from credits.holding import HoldOrder, place
from credits.models import CreditPool, Price
from tests.api_client import ok, problem
from tests.ledger import charge

pytestmark = pytest.mark.django_db
PAGES = ("creditpool", "allocation", "usage", "journalentry", "hold", "refusal")
CATALOGUE = ("service", "price")


@pytest.fixture
def console(system_admin):
    client = Client()
    client.force_login(system_admin)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_lists_and_rows_are_shown_and_never_written(console, funded, alice, page):
    deduct(charge(funded, alice, 5))
    deduct(charge(funded, alice, 5_000))
    place(HoldOrder(charge(funded, alice, 5)))
    listing = console.get(f"/admin/credits/{page}/?q=")
    assert listing.status_code == 200
    row = next(iter(listing.context["cl"].result_list))
    shown = console.get(f"/admin/credits/{page}/{row.pk}/change/")
    assert shown.status_code == 200
    assert b'name="_save"' not in shown.content
    assert console.post(f"/admin/credits/{page}/{row.pk}/change/", {}).status_code == 403
    assert console.get(f"/admin/credits/{page}/add/").status_code == 403
    assert console.get(f"/admin/credits/{page}/{row.pk}/delete/").status_code == 403


@pytest.mark.parametrize("page", [*PAGES, "overageperiod"])
def test_an_owner_sees_the_rows_of_their_organization(funded, alice, bob, charlie, page):
    deduct(charge(funded, alice, 5))
    deduct(charge(funded, bob, 7))
    client = Client()
    client.force_login(alice)
    listing = client.get(f"/admin/credits/{page}/")
    assert listing.status_code == 200
    assert {row.org_id for row in listing.context["cl"].result_list} <= {funded.pk}
    assert client.get(f"/admin/credits/{page}/add/").status_code == 403
    stranger = Client()
    stranger.force_login(charlie)
    assert stranger.get(f"/admin/credits/{page}/").status_code == 403


@pytest.mark.parametrize("page", CATALOGUE)
def test_an_owner_is_no_system_admin(funded, alice, page):
    client = Client()
    client.force_login(alice)
    assert client.get(f"/admin/credits/{page}/").status_code == 403


@pytest.mark.parametrize(
    ("page", "rows"), [("allocation", 1), ("usage", 1), ("journalentry", None)]
)
def test_a_member_sees_their_own_rows(funded, alice, bob, page, rows):
    deduct(charge(funded, alice, 5))
    deduct(charge(funded, bob, 7))
    client = Client()
    client.force_login(bob)
    listing = client.get(f"/admin/credits/{page}/")
    if rows is None:
        assert listing.status_code == 403
        return
    assert [row.user_id for row in listing.context["cl"].result_list] == [bob.pk] * rows


def test_only_system_admins_suspend(funded, alice):
    client = Client()
    client.force_login(alice)
    pool = CreditPool.objects.get(org=funded)
    chosen = {"action": "suspend", "_selected_action": [str(pool.pk)]}
    client.post("/admin/credits/creditpool/", chosen)
    funded.refresh_from_db()
    assert not funded.is_suspended


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
    for page in (*PAGES, *CATALOGUE, "overageperiod"):
        assert console.get(f"/admin/credits/{page}/{query}").status_code < 500


class TestPrices:
    ADD = "/admin/credits/price/add/"
    FORM = {
        "service": "company_enrichment",
        "platform_credits": "60",
        "byok_credits": "0",
        "hybrid_credits": "55",
        "effective_from_0": "",
        "effective_from_1": "",
    }

    def test_a_new_price_is_a_new_version(self, console):
        assert console.get(self.ADD).status_code == 200
        assert console.post(self.ADD, self.FORM).status_code == 302
        versions = Price.objects.filter(service_id="company_enrichment").order_by("version")
        assert list(versions.values_list("version", "platform_credits")) == [(1, 50), (2, 60)]

    def test_it_can_take_effect_later_but_not_earlier(self, console):
        later = {**self.FORM, "effective_from_0": "2090-01-01", "effective_from_1": "00:00:00"}
        assert console.post(self.ADD, later).status_code == 302
        assert Price.objects.filter(effective_from__year=2090).exists()
        earlier = {**self.FORM, "effective_from_0": "2020-01-01", "effective_from_1": "00:00:00"}
        answer = console.post(self.ADD, earlier)
        assert answer.status_code == 200
        assert b"begin in the past" in answer.content
        twice = console.post(self.ADD, later)
        assert twice.status_code == 200
        assert b"already exists" in twice.content

    def test_a_version_is_history(self, console):
        first = Price.objects.earliest("pk")
        assert (
            console.post(f"/admin/credits/price/{first.pk}/change/", self.FORM).status_code == 403
        )
        assert console.get(f"/admin/credits/price/{first.pk}/delete/").status_code == 403

    def test_an_owner_sets_none(self, funded, alice):
        client = Client()
        client.force_login(alice)
        assert client.post(self.ADD, self.FORM).status_code == 403
