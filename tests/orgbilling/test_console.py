"""Signing in to the console, and what each kind of person finds there."""

import json

import pytest
from django.test import Client

from organizations.access import MANAGERS
from organizations.choices import Role
from tests.factories import make_member, make_user
from tests.ledger import fund, give, let_spend

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def signed_in(user, password=PASSWORD):
    """A client that signed in as a browser does: with the form and its CSRF token."""
    user.set_password(password)
    user.save(update_fields=["password"])
    client = Client(enforce_csrf_checks=True)
    client.get("/admin/login/")
    token = client.cookies["csrftoken"].value
    form = {
        "username": user.email,
        "password": PASSWORD,
        "csrfmiddlewaretoken": token,
        "next": "/admin/",
    }
    return client, client.post("/admin/login/", form)


def test_a_member_signs_in_and_sees_their_own_credits(alpha, bob):
    fund(alpha, 5_000)
    give(alpha, bob, 1_500)
    client, answer = signed_in(bob)
    assert answer.status_code == 302
    page = client.get("/admin/", follow=True).content.decode()
    assert "Test Org Alpha" in page
    assert "1,500" in page
    assert "Charlie" not in page
    for path in (
        "organizations/user/",
        "billing/plan/",
        "organizations/apikey/",
    ):
        assert client.get(f"/admin/{path}").status_code == 403


def test_the_session_calls_the_api_with_its_csrf_token(alpha, bob):
    fund(alpha, 5_000)
    let_spend(alpha)
    give(alpha, bob, 100)
    client, _answer = signed_in(bob)
    body = {"org_id": str(alpha.pk), "user_id": str(bob.pk), "service_name": "x", "credits": 5}
    path = "/api/v1/org-billing/credits/deduct"
    without = client.post(path, json.dumps(body), content_type="application/json")
    assert without.status_code == 403
    token = client.cookies["csrftoken"].value
    charged = client.post(
        path, json.dumps(body), content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert charged.status_code == 201
    assert client.get("/api/v1/org-billing/billing/user").json()["email"] == bob.email


def test_somebody_without_an_organization_is_told_what_to_do(db):
    person = make_user()
    client, _answer = signed_in(person)
    page = client.get("/admin/", follow=True).content.decode()
    assert person.email in page
    assert 'action="/admin/logout/"' in page


def test_a_system_admin_sees_the_tables(system_admin):
    client, _answer = signed_in(system_admin)
    page = client.get("/admin/", follow=True).content.decode()
    assert "/admin/credits/creditpool/" in page
    assert "Groups" not in page
    assert "Org billing" in page


@pytest.mark.parametrize("role", Role)
def test_the_navigation_leads_only_to_what_the_person_may_see(alpha, role):
    client = Client()
    client.force_login(make_member(alpha, role).user)
    groups = client.get(f"/admin/org/{alpha.pk}/").context["navigation"]
    urls = [item.url for group in groups for item in group.items]
    assert {url: client.get(url).status_code for url in urls} == dict.fromkeys(urls, 200)
    may_see_keys = role in MANAGERS
    assert ("/admin/organizations/apikey/" in urls) == may_see_keys


def test_wrong_passwords_and_disabled_accounts_stay_out(bob):
    _client, answer = signed_in(bob, password="another pass phrase")
    assert answer.status_code == 200
    bob.is_active = False
    bob.save(update_fields=["is_active"])
    _client, answer = signed_in(bob)
    assert answer.status_code == 200
    assert Client().get("/admin/").status_code == 302


@pytest.mark.parametrize("typed", ["/", "/admin"])
def test_what_people_type_leads_to_the_console(db, typed):
    answer = Client().get(typed)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
