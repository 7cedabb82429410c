"""Tokens of an OpenID Connect issuer as credentials, against a JWKS served from this machine."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from organizations.choices import Role
from organizations.models import Member, Organization, User
from organizations.sign_on.tokens import issuer_keys
from tests.api_client import ApiClient, ok, problem

pytestmark = pytest.mark.django_db

ISSUER = "https://sso.example.com/realms/main"
AUDIENCE = "org-billing"


class Issuer:
    """An issuer with one RSA and one EC key, whose JWKS counts how often it was fetched."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.fetches = 0
        self.keys = [
            self._jwk(jwt.algorithms.RSAAlgorithm.to_jwk(self.rsa.public_key()), "rsa", "RS256"),
            self._jwk(jwt.algorithms.ECAlgorithm.to_jwk(self.ec.public_key()), "ec", "ES256"),
        ]

    @staticmethod
    def _jwk(text: str, kid: str, algorithm: str) -> dict[str, Any]:
        return {**json.loads(text), "kid": kid, "alg": algorithm, "use": "sig"}

    @property
    def public_pem(self) -> bytes:
        return self.rsa.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, claims: dict[str, Any], algorithm: str = "RS256", kid: str = "rsa") -> str:
        key = self.ec if algorithm == "ES256" else self.rsa
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def jwks_url(issuer: Issuer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.fetches += 1
            body = json.dumps({"keys": issuer.keys}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing: the tests' output is for the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/certs"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def sso(settings: Settings, issuer: Issuer, jwks_url: str) -> None:
    """Switch single sign-on on, with no keys known yet."""
    settings.OIDC_ISSUER, settings.OIDC_AUDIENCE = ISSUER, AUDIENCE
    settings.OIDC_JWKS_URL = jwks_url
    issuer_keys.cache_clear()
    issuer.fetches = 0


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token; None takes one away."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "42",
        "iat": now,
        "exp": now + 300,
        "email": "Dana@example.com",
        "email_verified": True,
        "name": "Dana",
        **changes,
    }
    return {name: value for name, value in good.items() if value is not None}


def call(token: str) -> Any:
    return ApiClient(token=token).get("organizations")


def segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def refused(token: str) -> dict[str, Any]:
    """Assert that the token is refused and that nobody was made for it."""
    before = User.objects.count()
    document = problem(call(token), 401, "authentication_failed")
    assert User.objects.count() == before
    return document


@pytest.mark.parametrize(("algorithm", "kid"), [("RS256", "rsa"), ("ES256", "ec")])
def test_a_good_token_is_a_person(issuer: Issuer, algorithm: str, kid: str):
    ok(call(issuer.sign(claims(), algorithm, kid)))
    dana = User.objects.get()
    assert dana.external_id == f"{ISSUER}|42"
    assert (dana.email, dana.name) == ("dana@example.com", "Dana")
    assert not dana.is_superuser


def test_a_person_may_what_their_role_allows(
    issuer: Issuer, alpha: Organization, globex: Organization, alice: User
):
    token = issuer.sign(claims())
    ok(call(token))
    dana = User.objects.get(external_id=f"{ISSUER}|42")
    Member.objects.create(org=alpha, user=dana, role=Role.ADMIN)
    client = ApiClient(token=token)
    assert ok(client.get("organizations"))["results"][0]["role"] == "admin"
    ok(client.post(f"organizations/{alpha.id}/members", {"email": "x@example.com"}), 201)
    problem(client.get(f"organizations/{globex.id}/members"), 403, "permission_denied")


def test_several_audiences_may_contain_ours(issuer: Issuer):
    ok(call(issuer.sign(claims(aud=["account", AUDIENCE]))))


def test_a_token_of_algorithm_none_is_refused():
    header, body = segment({"alg": "none", "typ": "JWT", "kid": "rsa"}), segment(claims())
    refused(f"{header}.{body}.")


@pytest.mark.parametrize("secret", ["pem", "jwk"])
def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(issuer: Issuer, secret: str):
    key = issuer.public_pem if secret == "pem" else json.dumps(issuer.keys[0]).encode()
    signed = f"{segment({'alg': 'HS256', 'typ': 'JWT', 'kid': 'rsa'})}.{segment(claims())}"
    mac = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    refused(f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_an_algorithm_that_was_not_agreed_is_refused(issuer: Issuer, algorithm: str):
    refused(issuer.sign(claims(), algorithm))


def test_a_token_that_names_another_kind_of_key_is_refused(issuer: Issuer):
    refused(issuer.sign(claims(), "RS256", "ec"))


def test_a_token_of_another_key_is_refused(issuer: Issuer):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    refused(jwt.encode(claims(), stranger, algorithm="RS256", headers={"kid": "rsa"}))


def test_a_key_that_the_token_brings_along_is_not_used(issuer: Issuer):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    brought = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(stranger.public_key()))
    headers = {"kid": "rsa", "jwk": brought, "jku": "http://127.0.0.1:9/certs"}
    refused(jwt.encode(claims(), stranger, algorithm="RS256", headers=headers))


def test_a_token_that_was_changed_is_refused(issuer: Issuer):
    header, _, signature = issuer.sign(claims()).split(".")
    refused(f"{header}.{segment(claims(sub='1'))}.{signature}")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-service"},
        {"aud": []},
        {"aud": None},
        {"iss": "https://evil.example.com"},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "4\u00002"},
        {"nbf": 4102444800},
        {"iat": 4102444800},
        {"exp": "soon"},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_or_missing_claim_is_refused(issuer: Issuer, changes: dict[str, Any]):
    refused(issuer.sign(claims(**changes)))


def test_a_subject_that_is_no_text_is_refused(issuer: Issuer):
    now = int(time.time())
    body = {"iss": ISSUER, "aud": AUDIENCE, "sub": 42, "exp": now + 300}
    signed = jwt.api_jws.encode(
        json.dumps(body).encode(), issuer.rsa, algorithm="RS256", headers={"kid": "rsa"}
    )
    refused(signed)


def test_an_expired_token_is_refused_after_a_minute_of_leeway(issuer: Issuer):
    now = int(time.time())
    ok(call(issuer.sign(claims(exp=now - 30))))
    assert "expired" in refused(issuer.sign(claims(exp=now - 90)))["detail"]


def test_unknown_key_ids_do_not_flood_the_issuer(issuer: Issuer):
    ok(call(issuer.sign(claims())))
    assert issuer.fetches == 1
    for number in range(5):
        refused(issuer.sign(claims(), kid=f"made-up-{number}"))
    assert issuer.fetches == 1


def test_a_token_without_a_key_id_is_refused(issuer: Issuer):
    refused(jwt.encode(claims(), issuer.rsa, algorithm="RS256"))


def test_known_keys_are_fetched_once(issuer: Issuer):
    for _ in range(3):
        ok(call(issuer.sign(claims())))
    assert issuer.fetches == 1


def test_an_issuer_that_is_down_lets_nobody_in(issuer: Issuer, settings: Settings):
    settings.OIDC_JWKS_URL = "http://127.0.0.1:9/certs"
    issuer_keys.cache_clear()
    refused(issuer.sign(claims()))


@pytest.mark.parametrize(
    "token", ["a.b.c", "..", "e30.e30.e30", "\u00e9.\u00e9.\u00e9", "x" * 9000]
)
def test_text_that_is_no_token_is_refused(token: str):
    refused(token)


def test_an_invited_account_is_linked_by_its_verified_address(issuer: Issuer, alpha: Organization):
    invited = User.objects.invite("dana@example.com")
    Member.objects.create(org=alpha, user=invited, role=Role.BILLING_ADMIN)
    page = ok(call(issuer.sign(claims())))
    assert [row["role"] for row in page["results"]] == ["billing_admin"]
    invited.refresh_from_db()
    assert invited.external_id == f"{ISSUER}|42"


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_unverified_address_links_nothing(issuer: Issuer, verified: object):
    invited = User.objects.invite("dana@example.com")
    refused(issuer.sign(claims(email_verified=verified)))
    invited.refresh_from_db()
    assert invited.external_id is None


@pytest.mark.parametrize(
    "email", ["no address", "", 7, None, "a@b.example\u0000", "a@b\ud800.example"]
)
def test_an_address_that_is_none_makes_no_account(issuer: Issuer, email: object):
    refused(issuer.sign(claims(email=email)))


def test_an_account_with_a_password_is_not_taken_over(issuer: Issuer, system_admin: User):
    system_admin.set_password("a long pass phrase")
    system_admin.save()
    refused(issuer.sign(claims(email=system_admin.email)))
    system_admin.refresh_from_db()
    assert system_admin.external_id is None


def test_a_linked_person_needs_no_address_any_more(issuer: Issuer):
    ok(call(issuer.sign(claims())))
    ok(call(issuer.sign(claims(email=None, email_verified=None))))
    assert User.objects.count() == 1


def test_a_person_switched_off_is_refused(issuer: Issuer):
    token = issuer.sign(claims())
    ok(call(token))
    User.objects.update(is_active=False)
    refused(token)


def test_a_strange_name_is_left_out(issuer: Issuer):
    ok(call(issuer.sign(claims(name=["Dana"]))))
    assert User.objects.get().name == ""


def test_without_an_issuer_no_token_counts(issuer: Issuer, settings: Settings):
    settings.OIDC_ISSUER = ""
    refused(issuer.sign(claims()))
    assert issuer.fetches == 0


@pytest.mark.parametrize("missing", ["OIDC_AUDIENCE", "OIDC_JWKS_URL"])
def test_half_configured_single_sign_on_stops_the_start(settings: Settings, missing: str):
    setattr(settings, missing, "")
    with pytest.raises(ImproperlyConfigured, match="OIDC_AUDIENCE and OIDC_JWKS_URL"):
        apps.get_app_config("organizations").ready()
