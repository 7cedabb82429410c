"""Request ids, and what every answer carries."""

import logging
import re

import pytest

from orgbilling.web.request_id import current_request_id
from tests.logs.kept import kept

MADE = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("offered", ["a", "A-Z.a_z:0-9", "x" * 128, "0193f2a4-c1de-7b0f"])
def test_an_acceptable_request_id_is_echoed(http, offered):
    answer = http.get("/api/public", headers={"X-Request-ID": offered})
    assert answer["X-Request-ID"] == offered


@pytest.mark.parametrize(
    "offered",
    [
        "",
        "x" * 129,
        "a b",
        "a\nb",
        "a\r\nSet-Cookie: x=1",
        "é",
        "\x1b[31m",
        '{"a":1}',
        "a\x00",
        "a\n",
    ],
)
def test_any_other_is_replaced(http, offered):
    answer = http.get("/api/public", headers={"X-Request-ID": offered})
    assert MADE.fullmatch(answer["X-Request-ID"])
    assert "Set-Cookie" not in answer.headers


def test_each_request_gets_its_own(http):
    made = {http.get("/api/public")["X-Request-ID"] for _ in range(5)}
    assert len(made) == 5


def test_outside_of_a_request_there_is_none():
    assert current_request_id() == "-"


def test_logs_carry_the_id(http, alice):
    with kept(level=logging.ERROR) as log:
        http.get("/api/fail/bug", headers={**alice, "X-Request-ID": "find-me"})
    found = {event["event"]: event["request_id"] for event in log.events}
    assert found == {"request.failed": "find-me", "request.finished": "find-me"}


@pytest.mark.parametrize(
    ("method", "path", "signed_in"),
    [
        ("GET", "/api/things", True),
        ("POST", "/api/things", True),
        ("PUT", "/api/things", True),
        ("GET", "/api/things", False),
        ("GET", "/api/things/nonsense", True),
        ("GET", "/api/fail/bug", True),
        ("GET", "/nothing", False),
        ("GET", "/health", False),
    ],
)
def test_no_answer_is_stored(http, alice, method, path, signed_in):
    answer = http.generic(method, path, headers=alice if signed_in else {})
    assert answer["Cache-Control"] == "no-store"
    assert "X-Request-ID" in answer.headers
