"""Whose address a request has, and by which scheme it came: nobody can say it of themselves."""

import ipaddress

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from orgbilling.web.addresses import ProxyMiddleware, budget_address, client_address

PROXIES = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "fd00::/8", "192.0.2.7/32")))


@pytest.fixture(autouse=True)
def _proxies(settings):
    settings.TRUSTED_PROXIES = PROXIES


def asked(remote, forwarded=None):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote)


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        # Nobody in between.
        ("203.0.113.5", None, "203.0.113.5"),
        ("", None, "unknown"),
        ("/run/web.sock", None, "unknown"),
        # A stranger says what they like.
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("203.0.113.5", "10.0.0.1", "203.0.113.5"),
        ("", "198.51.100.1", "unknown"),
        # One proxy: what it wrote is at the right, what its caller wrote is at the left.
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.9,198.51.100.1", "198.51.100.1"),
        ("192.0.2.7", " 198.51.100.1 ", "198.51.100.1"),
        # Several, in any number.
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2, 192.0.2.7", "198.51.100.1"),
        # Somebody inside: nobody else is there.
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        # Malformed: the peer.
        ("10.0.0.1", "junk", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, junk", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1,", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, junk, 10.0.0.2", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1:4711", "10.0.0.1"),
        ("10.0.0.1", "junk, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "010.1.1.1", "10.0.0.1"),
        # IPv6, and IPv4 in its clothes.
        ("fd00::1", "2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
        ("::ffff:203.0.113.5", None, "203.0.113.5"),
        ("fe80::1%eth0", None, "fe80::1"),
    ],
)
def test_the_clients_address(remote, forwarded, address):
    assert client_address(asked(remote, forwarded)) == address


@pytest.mark.parametrize(
    ("remote", "counted"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("", "unknown"),
    ],
)
def test_what_is_counted_of_it(remote, counted):
    assert budget_address(asked(remote)) == counted


def test_without_proxies_nobody_is_believed(settings):
    settings.TRUSTED_PROXIES = ()
    assert client_address(asked("10.0.0.1", "198.51.100.1")) == "10.0.0.1"


@pytest.mark.parametrize(
    ("remote", "told", "secure"),
    [
        ("10.0.0.1", "https", True),
        ("10.0.0.1", "HTTPS", True),
        ("10.0.0.1", "http, https", True),
        ("10.0.0.1", "https, http", False),
        ("10.0.0.1", "http", False),
        ("10.0.0.1", "gopher", False),
        ("10.0.0.1", "", False),
        ("203.0.113.5", "https", False),
        ("", "https", False),
    ],
)
def test_the_scheme(remote, told, secure):
    seen = []

    def view(request):
        seen.append(request.is_secure())
        return HttpResponse()

    headers = {"X-Forwarded-Proto": told}
    ProxyMiddleware(view)(RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote))
    assert seen == [secure]


@pytest.mark.django_db
@pytest.mark.parametrize(("remote", "scheme"), [("10.0.0.1", "https"), ("203.0.113.5", "http")])
def test_the_service_believes_its_proxies_alone(remote, scheme, settings):
    settings.SECURE_HSTS_SECONDS = 60
    answer = Client().get("/health", headers={"X-Forwarded-Proto": "https"}, REMOTE_ADDR=remote)
    # Django sends it over https only.
    assert ("Strict-Transport-Security" in answer.headers) is (scheme == "https")
    assert answer.wsgi_request.scheme == scheme
