"""A running service is given secrets wherever something can be given; no process writes any of them."""

import json
import urllib.parse

import pytest

from organizations.keys import generate_key
from tests.logs.conftest import PLANTED
from tests.logs.reading import BASE

PASSWORD = "planted-Password-0123456789"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJwbGFudGVkIjoidG9rZW4ifQ.cGxhbnRlZC1zaWduYXR1cmU"
COOKIE = "plantedcookie0123456789"
KEY = generate_key()
EMAIL = "planted.person@example.com"
DSN = "postgresql://planted:dsnPassword0123@db/x"
GIVEN = {
    KEY[4:]: "our key",
    PASSWORD: "a password",
    TOKEN.rpartition(".")[2]: "a token",
    COOKIE: "a cookie",
    "dsnPassword0123": "a password in an address",
    EMAIL.partition("@")[0]: "an e-mail address",
}


@pytest.fixture(scope="module")
def given(logged):
    """The service after everything was tried on it, with a last request that was logged after all others."""
    for one in headers():
        logged.raw(get("/api/v1/org-billing/organizations", one))
        logged.raw(get("/admin/", one))
    query = urllib.parse.urlencode({"password": PASSWORD, "token": TOKEN, "key": KEY, "q": EMAIL})
    for path in (f"/{KEY}/{PASSWORD}", f"{BASE}/credits/{KEY}/pool", f"/admin/{PASSWORD}/"):
        logged.raw(get(f"{path}?{query}", ()))
    member = logged.service.demo["users"][0]
    for value in (KEY, PASSWORD, TOKEN, DSN, EMAIL, f"{PASSWORD}\ud800", f"{KEY}\x00"):
        body = {"org_id": member["org_id"], "user_id": member["id"], "credits": 1}
        body |= {"service_name": value, "request_id": value, "metadata": {value: value}}
        logged.post(
            "credits/deduct", json.dumps(body).encode(), [b"Idempotency-Key: " + KEY.encode()]
        )
        logged.post("credits/deduct", json.dumps({value: value}).encode())
        logged.post(
            f"organizations/{member['org_id']}/members", json.dumps({"email": value}).encode()
        )
    sign_in(logged)
    webhook = json.dumps({"id": TOKEN, "secret": PASSWORD}).encode()
    logged.post("/webhooks/stripe", webhook, [b"Stripe-Signature: t=1,v1=" + COOKIE.encode()])
    logged.post("credits/deduct", b"{}", [b"X-Request-ID: secrets-end"])
    logged.await_event("request.finished", request_id="secrets-end")
    return logged


@pytest.mark.parametrize("secret", GIVEN, ids=GIVEN.values())
def test_what_was_given_is_in_no_line(given, secret):
    assert lines_with(given, secret) == []


@pytest.mark.parametrize("name", PLANTED)
def test_what_the_settings_hold_is_in_no_line(given, name):
    if name != "STRIPE_API_BASE":
        assert lines_with(given, PLANTED[name]) == []


def test_the_keys_and_people_of_the_demo_are_in_no_line(given):
    demo = given.service.demo
    people = [demo["admin"], *demo["users"]]
    secrets = [key["key"] for key in demo["api_keys"]]
    secrets += [one["password"] for one in people]
    secrets += [one["email"] for one in people]
    assert [line for secret in secrets for line in lines_with(given, secret)] == []


def test_enough_was_tried(given):
    """Every kind of answer was logged, failures with tracebacks among them: an empty log proves nothing."""
    events = given.events()
    statuses = {event.get("status") for event in events if event["event"] == "request.finished"}
    assert statuses >= {200, 302, 400, 401, 404}
    assert len(events) > 60


def headers():
    for name in ("Authorization", "Cookie", "X-CSRFToken", "X-API-Key", "User-Agent", "Referer"):
        for value in (
            f"Bearer {KEY}",
            f"Bearer {TOKEN}",
            f"Basic {PASSWORD}",
            f"sessionid={COOKIE}",
        ):
            yield (f"{name}: {value}".encode(),)


def get(path, headers):
    lines = [f"GET {path} HTTP/1.1".encode(), b"Host: 127.0.0.1", b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def sign_in(logged):
    """A wrong password at the console's door, with and without its form's token."""
    csrf = "csrfplanted" + "0" * 21
    form = {"username": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": csrf}
    body = urllib.parse.urlencode(form).encode()
    for cookie in (f"csrftoken={csrf}", f"sessionid={COOKIE}"):
        lines = [
            b"POST /admin/login/ HTTP/1.1",
            b"Host: 127.0.0.1",
            b"Connection: close",
            f"Cookie: {cookie}".encode(),
            b"Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}".encode(),
        ]
        logged.raw(b"\r\n".join(lines) + b"\r\n\r\n" + body)


def lines_with(logged, secret):
    return [line for line in logged.text.splitlines() if secret in line]
