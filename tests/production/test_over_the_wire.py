"""What a caller of a service in production sees: https alone, its own host name, no foreign origin."""

from ipaddress import ip_network

import pytest
from django.conf import settings as configured
from django.test import Client

from tests.production.environment import HOST

pytestmark = pytest.mark.django_db
API = "/api/v1/org-billing/organizations"


@pytest.fixture(autouse=True)
def production(settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.ALLOWED_HOSTS = [HOST]


@pytest.fixture
def http():
    return Client(raise_request_exception=False, headers={"host": HOST})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", [API, "/api/schema", "/webhooks/stripe", "/api/nothing"])
def test_a_program_is_refused_over_plain_http_and_never_redirected(http, method, path):
    answer = http.generic(method, path)
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "permission_denied"
    assert "https" in answer.json()["detail"]
    assert "X-Request-ID" in answer.headers


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/", "/problems/not_found"])
def test_a_browser_is_sent_to_https(http, path):
    answer = http.get(path + "?a=1")
    assert answer.status_code == 301
    assert answer["Location"] == f"https://{HOST}{path}?a=1"


@pytest.mark.django_db(databases=["default", "counters"])
@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_whoever_looks_after_the_process_asks_it_directly(http, path):
    assert http.get(path).status_code == 200


@pytest.mark.parametrize(("path", "status"), [("/admin/login/", 200), (API, 401), ("/health", 200)])
def test_https_is_served_and_remembered(http, path, status):
    answer = http.get(path, secure=True)
    assert answer.status_code == status
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("peer", "told", "status"),
    [
        ("10.1.2.3", "https", 401),
        ("10.1.2.3", "http", 403),
        ("10.1.2.3", "https, http", 403),
        ("192.0.2.7", "https", 403),
        ("192.0.2.7", "http", 403),
    ],
)
def test_only_a_trusted_proxy_says_that_it_was_https(http, settings, peer, told, status):
    settings.TRUSTED_PROXIES = (ip_network("10.0.0.0/8"),)
    answer = http.get(API, headers={"x-forwarded-proto": told}, REMOTE_ADDR=peer)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"{HOST}.evil.example",
        f"evil{HOST}",
        f"{HOST}@evil.example",
        f"{HOST}:80@evil.example",
        "127.0.0.1",
        "localhost",
        "",
        "evil.example\\@" + HOST,
    ],
)
@pytest.mark.parametrize("secure", [True, False])
def test_a_foreign_host_name_is_400_and_comes_back_nowhere(http, host, secure):
    answer = http.get("/admin/login/", secure=secure, headers={"host": host})
    assert answer.status_code == 400
    assert b"evil" not in answer.content
    assert "Location" not in answer.headers


def test_a_forwarded_host_counts_for_nothing(http):
    answer = http.get("/admin/", headers={"x-forwarded-host": "evil.example"})
    assert answer["Location"] == f"https://{HOST}/admin/"
    assert not configured.USE_X_FORWARDED_HOST
