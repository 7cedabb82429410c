"""Who is not signed in, what they are told, and that it is never an error of the service."""

import base64
import hashlib
import hmac
import json
from http import HTTPStatus
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from pytest_django.fixtures import Settings

from organizations.models import User
from organizations.sign_on import refusals
from organizations.sign_on.refusals import Refusal
from tests.organizations.sign_on.browser import BEGIN, Browser
from tests.organizations.sign_on.conftest import forget
from tests.organizations.sign_on.openid_provider import OpenIdProvider

pytestmark = pytest.mark.django_db
CALLBACK = "/admin/oidc/callback"


def assert_refused(answer: Any, refusal: Refusal, browser: Browser | None = None) -> None:
    """Assert the page, its status and its words, and that nobody is signed in."""
    page = answer.content.decode().replace("&#x27;", "'")
    assert answer.status_code == refusal.status, page
    assert refusal.why in page
    assert refusal.fix in page
    assert browser is None or not browser.is_signed_in()


def segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_state_of_another_browser_is_refused(browser: Browser, provider: OpenIdProvider):
    lured = Browser()
    lured.begin()
    assert_refused(
        lured.come_back(browser.approve(browser.begin())), refusals.NOT_BEGUN_HERE, lured
    )
    assert "/token" not in provider.calls


@pytest.mark.parametrize("state", ["wrong", "", None])
def test_a_wrong_state_is_refused(browser: Browser, provider: OpenIdProvider, state: str | None):
    address = browser.approve(browser.begin())
    assert_refused(browser.come_back(address, state=state), refusals.NOT_BEGUN_HERE, browser)
    assert "/token" not in provider.calls


def test_an_answer_counts_once(browser: Browser):
    address = browser.approve(browser.begin())
    assert browser.come_back(address).status_code == 302
    assert_refused(browser.come_back(address), refusals.NOT_BEGUN_HERE)


def test_a_callback_out_of_nowhere_is_refused(browser: Browser):
    assert_refused(browser.client.get(CALLBACK), refusals.NOT_BEGUN_HERE, browser)


def test_an_error_out_of_nowhere_signs_nobody_out(browser: Browser):
    browser.sign_on()
    answer = browser.client.get(CALLBACK, {"error": "access_denied", "state": "x"})
    assert_refused(answer, refusals.NOT_BEGUN_HERE)
    assert browser.is_signed_in()


def test_whoever_declines_at_the_provider_is_told_so(browser: Browser):
    address = browser.approve(browser.begin())
    markup = "<script>alert(1)</script>"
    answer = browser.come_back(address, error="access_denied", error_description=markup)
    assert_refused(answer, refusals.DECLINED, browser)
    assert markup not in answer.content.decode()
    assert_refused(browser.come_back(address), refusals.NOT_BEGUN_HERE, browser)


def test_a_callback_without_a_code_is_refused(browser: Browser):
    address = browser.approve(browser.begin())
    assert_refused(browser.come_back(address, code=None), refusals.DECLINED, browser)


def test_a_code_of_another_sign_in_is_refused_by_its_challenge(
    browser: Browser, provider: OpenIdProvider
):
    stolen = browser.approve(browser.begin())
    code = stolen.split("code=")[1].split("&")[0]
    thief = Browser()
    own = thief.approve(thief.begin())
    assert_refused(thief.come_back(own, code=code), refusals.PROVIDER_DOWN, thief)
    assert provider.calls[-1] == "/token"


def test_a_password_form_with_a_code_in_its_address_signs_nobody_in(
    browser: Browser, provider: OpenIdProvider
):
    provider.id_token = {"nonce": None}
    query = browser.approve(browser.begin()).split("?")[1]
    form = {"username": "nobody@example.com", "password": "x"}
    assert browser.client.post(f"/admin/login/?{query}", form).status_code == 200
    assert not browser.is_signed_in()
    assert "/token" not in provider.calls


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 7},
        {"nonce": "\ud800"},
        {"iss": "https://evil.example.com"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": ["org-billing-console", "another-client"]},
        {"aud": ["org-billing-console", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"aud": None},
        {"exp": 1577836800},
        {"exp": None},
        {"iat": None},
        {"iat": 4102444800},
        {"nbf": 4102444800},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
    ],
    ids=str,
)
def test_an_id_token_with_a_wrong_or_missing_claim_is_refused(
    browser: Browser, provider: OpenIdProvider, changes: dict[str, Any]
):
    provider.id_token = changes
    assert_refused(browser.sign_on(), refusals.NOT_BELIEVED, browser)
    assert not User.objects.exists()


def test_several_audiences_are_fine_when_the_token_was_made_for_us(
    browser: Browser, provider: OpenIdProvider
):
    provider.id_token = {"aud": ["x", "org-billing-console"], "azp": "org-billing-console"}
    assert browser.sign_on().status_code == 302


def test_an_id_token_of_algorithm_none_is_refused(browser: Browser, provider: OpenIdProvider):
    header = segment({"alg": "none", "typ": "JWT", "kid": "rsa"})
    provider.forge = lambda claims: f"{header}.{segment(claims)}."
    assert_refused(browser.sign_on(), refusals.NOT_BELIEVED, browser)


@pytest.mark.parametrize("secret", ["pem", "jwk"])
def test_an_id_token_signed_with_the_public_key_as_a_secret_is_refused(
    browser: Browser, provider: OpenIdProvider, secret: str
):
    key = provider.public_pem if secret == "pem" else json.dumps(provider.keys[0]).encode()

    def confused(claims: dict[str, Any]) -> str:
        signed = f"{segment({'alg': 'HS256', 'typ': 'JWT', 'kid': 'rsa'})}.{segment(claims)}"
        mac = hmac.new(key, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    provider.forge = confused
    assert_refused(browser.sign_on(), refusals.NOT_BELIEVED, browser)


def test_an_algorithm_that_was_not_agreed_is_refused(browser: Browser, provider: OpenIdProvider):
    provider.forge = lambda claims: provider.sign(claims, "ES256", "ec")
    assert_refused(browser.sign_on(), refusals.NOT_BELIEVED, browser)


def test_an_id_token_of_another_key_is_refused(browser: Browser, provider: OpenIdProvider):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    provider.forge = lambda claims: jwt.encode(
        claims, stranger, algorithm="RS256", headers={"kid": "rsa"}
    )
    assert_refused(browser.sign_on(), refusals.NOT_BELIEVED, browser)


@pytest.mark.parametrize("token", [None, 7, "", "no token", "a.b.c"])
def test_what_is_no_id_token_is_refused(browser: Browser, provider: OpenIdProvider, token: object):
    provider.forge = lambda _claims: token
    assert_refused(browser.sign_on(), refusals.NOT_BELIEVED, browser)


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_unverified_address_makes_and_links_nothing(
    browser: Browser, provider: OpenIdProvider, verified: object
):
    invited = User.objects.invite("dana@example.com")
    provider.person["email_verified"] = verified
    assert_refused(browser.sign_on(), refusals.UNVERIFIED_EMAIL, browser)
    invited.refresh_from_db()
    assert (invited.external_id, User.objects.count()) == (None, 1)


def test_the_user_infos_word_does_not_vouch_for_the_tokens_address(
    browser: Browser, provider: OpenIdProvider
):
    provider.id_token = {"email": "root@example.com", "email_verified": None}
    browser.sign_on()
    assert User.objects.get().email == "dana@example.com"


def test_an_unknown_subject_without_an_address_is_refused(
    browser: Browser, provider: OpenIdProvider
):
    provider.person = {"sub": "7"}
    assert_refused(browser.sign_on(), refusals.UNVERIFIED_EMAIL, browser)


def test_user_info_about_somebody_else_is_refused(browser: Browser, provider: OpenIdProvider):
    provider.id_token = {"email": None}
    provider.user_info = {"sub": "43"}
    assert_refused(browser.sign_on(), refusals.NOT_BELIEVED, browser)


def test_an_account_with_a_password_is_not_taken_over(browser: Browser, system_admin: User):
    system_admin.email = "dana@example.com"
    system_admin.set_password("a long pass phrase")
    system_admin.save()
    assert_refused(browser.sign_on(), refusals.BELONGS_TO_ANOTHER, browser)
    system_admin.refresh_from_db()
    assert system_admin.external_id is None


def test_an_account_of_another_identity_is_not_taken_over(
    browser: Browser, provider: OpenIdProvider
):
    User.objects.create_user("dana@example.com", external_id=f"{provider.url}|1")
    assert_refused(browser.sign_on(), refusals.BELONGS_TO_ANOTHER, browser)


def test_a_person_switched_off_stays_out(browser: Browser, provider: OpenIdProvider):
    User.objects.create_user("x@example.com", external_id=f"{provider.url}|42", is_active=False)
    assert_refused(browser.sign_on(), refusals.SWITCHED_OFF, browser)


def test_a_person_switched_off_later_is_out_at_once(browser: Browser):
    browser.sign_on()
    assert browser.client.get("/api/v1/org-billing/organizations").status_code == 200
    User.objects.update(is_active=False)
    assert browser.client.get("/api/v1/org-billing/organizations").status_code == 401
    assert browser.client.get("/admin/")["Location"].startswith("/admin/login/")


def test_sessions_end_when_single_sign_on_is_switched_off(browser: Browser, settings: Settings):
    browser.sign_on()
    settings.OIDC_CLIENT_ID = ""
    assert browser.client.get("/api/v1/org-billing/organizations").status_code == 401


@pytest.mark.parametrize("path", ["begin", "end-session"])
def test_a_provider_that_is_down_gives_a_page(browser: Browser, settings: Settings, path: str):
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    for _ in range(2):
        answer = browser.client.get(f"/admin/oidc/{path}")
        assert_refused(answer, refusals.PROVIDER_DOWN, browser)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE


def test_a_provider_that_is_down_is_not_asked_again_at_once(
    browser: Browser, provider: OpenIdProvider
):
    provider.statuses = {"/.well-known/openid-configuration": 500}
    for _ in range(3):
        assert browser.client.get(BEGIN).status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert len(provider.calls) == 1
    provider.statuses = {}
    forget()
    assert browser.sign_on().status_code == 302


@pytest.mark.parametrize("path", ["/token", "/certs", "/userinfo"])
@pytest.mark.parametrize("status", [400, 500])
def test_a_provider_that_fails_on_the_way_gives_a_page(
    browser: Browser, provider: OpenIdProvider, path: str, status: int
):
    provider.id_token = {"email": None}
    provider.statuses = {path: status}
    assert_refused(browser.sign_on(), refusals.PROVIDER_DOWN, browser)


def test_a_wrong_client_secret_gives_a_page(browser: Browser, settings: Settings):
    settings.OIDC_CLIENT_SECRET = "wrong"
    assert_refused(browser.sign_on(), refusals.PROVIDER_DOWN, browser)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example.com"},
        {"issuer": None},
        {"authorization_endpoint": None},
        {"token_endpoint": "http://sso.example.com/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"end_session_endpoint": 7},
    ],
    ids=str,
)
def test_a_discovery_document_that_cannot_be_used_gives_a_page(
    browser: Browser, provider: OpenIdProvider, changes: dict[str, Any]
):
    provider.discovery = changes
    assert_refused(browser.client.get(BEGIN), refusals.PROVIDER_DOWN, browser)


def test_only_reading_is_allowed(sso: None):
    for path in ("begin", "callback", "end-session"):
        assert Client().post(f"/admin/oidc/{path}").status_code == 405
