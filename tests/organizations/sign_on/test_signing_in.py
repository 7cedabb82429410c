"""Signing in to the console through a provider that behaves."""

import re
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.template import RequestContext, Template
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from organizations.choices import Role
from organizations.models import Member, Organization, User
from organizations.sign_on.views import BEGUN_SESSION_SECONDS
from orgbilling.web import attempts
from tests.factories import make_user
from tests.organizations.sign_on.browser import BEGIN, Browser
from tests.organizations.sign_on.openid_provider import CLIENT_ID, OpenIdProvider

pytestmark = pytest.mark.django_db

EIGHT_HOURS = 8 * 60 * 60


def rendered(text: str, query: dict[str, str] | None = None) -> str:
    request = RequestFactory().get("/admin/login/", query or {})
    return Template("{% load single_sign_on %}" + text).render(RequestContext(request, {}))


def test_a_person_seen_for_the_first_time_gets_an_account(
    browser: Browser, provider: OpenIdProvider, settings: Settings
):
    answer = browser.sign_on()
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    dana = User.objects.get()
    assert dana.external_id == f"{provider.url}|42"
    assert (dana.email, dana.name) == ("dana@example.com", "Dana")
    assert not dana.has_usable_password()
    assert (dana.is_staff, dana.is_superuser) == (False, False)
    assert dana.last_login is not None
    assert browser.client.session["_auth_user_id"] == str(dana.pk)
    assert browser.client.get("/api/v1/org-billing/billing/user").status_code == 200


def test_the_session_lives_as_long_as_any_other(browser: Browser, settings: Settings):
    settings.SESSION_COOKIE_AGE = 1234
    browser.sign_on()
    assert browser.client.cookies["sessionid"]["max-age"] == 1234
    assert browser.client.session.get_expiry_age() == 1234


def test_the_session_gets_a_new_key(browser: Browser):
    address = browser.approve(browser.begin())
    before = browser.client.cookies["sessionid"].value
    browser.come_back(address)
    assert browser.client.cookies["sessionid"].value != before


def test_a_known_person_is_found_by_the_identity_alone(browser: Browser, provider: OpenIdProvider):
    known = User.objects.create_user("old@example.com", external_id=f"{provider.url}|42")
    provider.person = {"sub": "42"}
    assert browser.sign_on().status_code == 302
    assert browser.client.session["_auth_user_id"] == str(known.pk)
    assert User.objects.count() == 1


def test_an_invited_person_is_linked_with_their_roles(
    browser: Browser, provider: OpenIdProvider, alpha: Organization
):
    invited = User.objects.invite("dana@example.com")
    Member.objects.create(org=alpha, user=invited, role=Role.ADMIN)
    browser.sign_on()
    invited.refresh_from_db()
    assert invited.external_id == f"{provider.url}|42"
    page = browser.client.get("/api/v1/org-billing/organizations").json()
    assert [row["role"] for row in page["results"]] == ["admin"]


def test_the_provider_is_asked_for_what_the_standards_want(
    browser: Browser, provider: OpenIdProvider
):
    asked = parse_qs(urlsplit(browser.begin()).query)
    again = parse_qs(urlsplit(browser.begin()).query)
    assert asked["scope"] == ["openid email profile"]
    assert asked["code_challenge_method"] == ["S256"]
    for secret in ("state", "nonce", "code_challenge"):
        assert len(asked[secret][0]) >= 32
        assert asked[secret] != again[secret]


def test_two_tabs_may_sign_in_at_once(browser: Browser):
    first, second = browser.begin(), browser.begin()
    assert browser.come_back(browser.approve(second)).status_code == 302
    assert browser.come_back(browser.approve(first)).status_code == 302


def test_discovery_is_read_once(browser: Browser, provider: OpenIdProvider):
    browser.sign_on()
    Browser().sign_on()
    assert provider.calls.count("/.well-known/openid-configuration") == 1
    assert provider.calls.count("/certs") == 1
    assert provider.calls.count("/token") == 2


def test_given_addresses_need_no_discovery(
    browser: Browser, provider: OpenIdProvider, settings: Settings
):
    settings.OIDC_AUTHORIZATION_URL = f"{provider.url}/authorize"
    settings.OIDC_TOKEN_URL = f"{provider.url}/token"
    settings.OIDC_JWKS_URL = f"{provider.url}/certs"
    assert browser.sign_on().status_code == 302
    assert provider.calls == ["/authorize", "/token", "/certs"]


def test_the_address_comes_from_the_user_info_when_the_token_has_none(
    browser: Browser, provider: OpenIdProvider
):
    provider.id_token = {"email": None, "email_verified": None, "name": None}
    assert browser.sign_on().status_code == 302
    assert provider.calls[-1] == "/userinfo"
    assert User.objects.get().email == "dana@example.com"
    assert User.objects.get().name == "Dana"


def test_a_provider_that_takes_the_secret_only_in_the_form_gets_it_there(
    browser: Browser, provider: OpenIdProvider
):
    provider.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert browser.sign_on().status_code == 302


def test_another_agreed_algorithm_is_taken(
    browser: Browser, provider: OpenIdProvider, settings: Settings
):
    provider.forge = lambda claims: provider.sign(claims, "ES256", "ec")
    settings.OIDC_SIGN_ALGORITHMS = ["ES256"]
    assert browser.sign_on().status_code == 302


@pytest.mark.parametrize("wanted", ["/admin/organizations/user/?q=dana", "/api/docs"])
def test_afterwards_one_is_where_one_wanted_to_go(browser: Browser, wanted: str):
    assert browser.sign_on(wanted)["Location"] == wanted
    assert "oidc_login_next" not in browser.client.session


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example.com/",
        "//evil.example.com/",
        "/\\evil.example.com",
        "///evil.example.com",
        "javascript:alert(1)",
        "http:evil.example.com",
        "",
    ],
)
def test_nobody_is_sent_to_another_site(browser: Browser, wanted: str):
    assert browser.sign_on(wanted)["Location"] == "/admin/"


def test_passwords_still_work(sso: None, alice: User):
    alice.set_password("a long pass phrase")
    alice.save()
    form = {"username": alice.email, "password": "a long pass phrase", "next": "/admin/"}
    assert Client().post("/admin/login/", form).status_code == 302


def test_the_pages_are_kept_by_nobody(browser: Browser):
    assert "no-store" in browser.client.get(BEGIN)["Cache-Control"]


def test_the_button_leads_to_the_provider_and_back_to_the_page(sso: None):
    page = rendered("{% sso_button %}", {"next": "/admin/billing/plan/?a=1&b=2"})
    (address,) = re.findall(r'href="([^"]+)"', page)
    assert address == f"{BEGIN}?next=%2Fadmin%2Fbilling%2Fplan%2F%3Fa%3D1%26b%3D2"
    assert "Continue with single sign-on" in page
    assert f'href="{BEGIN}"' in rendered("{% sso_button %}")


def test_the_sign_in_page_has_the_button(sso: None):
    page = Client().get("/admin/login/?next=/admin/billing/plan/").content.decode()
    assert f'href="{BEGIN}?next=%2Fadmin%2Fbilling%2Fplan%2F"' in page


def test_after_signing_out_here_one_may_sign_out_there(browser: Browser, provider: OpenIdProvider):
    browser.sign_on()
    page = browser.client.post("/admin/logout/").content.decode()
    assert not browser.is_signed_in()
    (address,) = re.findall(r'href="([^"]+end-session)"', page)
    parts = urlsplit(browser.client.get(address)["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{provider.url}/logout"
    assert parse_qs(parts.query) == {
        "client_id": [CLIENT_ID],
        "post_logout_redirect_uri": ["http://127.0.0.1:8084/admin/login/"],
    }


def test_a_provider_without_an_end_of_session_leads_to_the_sign_in_page(
    browser: Browser, provider: OpenIdProvider
):
    provider.discovery = {"end_session_endpoint": None}
    assert browser.client.get("/admin/oidc/end-session")["Location"] == "/admin/login/"


def test_without_single_sign_on_nothing_of_it_is_there(db: None):
    for path in ("begin", "callback", "end-session"):
        assert Client().get(f"/admin/oidc/{path}").status_code == 404
    assert rendered("{% sso_button %}{% sso_end_session %}").strip() == ""
    assert "end-session" not in Client().post("/admin/logout/").content.decode()
    assert BEGIN not in Client().get("/admin/login/").content.decode()


def test_a_session_of_nobody_yet_lasts_minutes_and_a_signed_in_one_as_long_as_any(browser: Browser):
    address = browser.begin()
    assert browser.client.session.get_expiry_age() == BEGUN_SESSION_SECONDS
    browser.come_back(browser.approve(address))
    assert browser.is_signed_in()
    assert browser.client.session.get_expiry_age() == EIGHT_HOURS


def test_a_password_after_a_sign_on_that_was_begun_is_as_good_as_any(browser: Browser):
    user = make_user("eve@example.com", password="correct horse battery staple")
    browser.begin()
    form = {"username": user.email, "password": "correct horse battery staple"}
    assert browser.client.post("/admin/login/", form).status_code == 302
    assert browser.client.session.get_expiry_age() == EIGHT_HOURS


@pytest.mark.django_db(databases=["default", "counters"])
def test_an_address_begins_only_so_many_sign_ons_and_so_many_sessions(
    browser: Browser, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    settings.LOGIN_LIMIT_SIGN_ON = "3/h"
    # One window for the whole test.
    monkeypatch.setattr(attempts, "time", SimpleNamespace(time=lambda: 1_795_363_200))
    caches["counters"].clear()
    begun = [Client().get("/admin/oidc/begin") for _ in range(5)]
    assert [answer.status_code for answer in begun] == [302] * 3 + [429] * 2
    assert Session.objects.count() == 3
    assert int(begun[-1]["Retry-After"]) > 0
    page = begun[-1].content.decode()
    assert "Too many sign-ins were begun from your address." in page
    assert "/admin/oidc/begin" not in page
    assert Client().get("/admin/oidc/begin", REMOTE_ADDR="203.0.113.9").status_code == 302
