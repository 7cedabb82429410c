"""What a running service logs: whole lines, the fields that were promised, and nobody else's words as lines (T29)."""

import json

import pytest

DEDUCT = "credits/deduct"

HOSTILE_IDS = {
    "ansi": b"\x1b[31mred\x1b[0m",
    "8 KB": b"a" * 8192,
    "not ascii": "é名前".encode(),
    "not utf-8": b"\xff\xfe",
    "json": b'{"level":"critical","event":"forged"}',
    "escaped line ends": rb"a\r\nb",
    "lone surrogate": b"\xed\xa0\x80",
}


@pytest.fixture(scope="module")
def member(logged):
    return logged.service.demo["users"][0]


def charge(member, **changes):
    body = {
        "org_id": member["org_id"],
        "user_id": member["id"],
        "credits": 1,
        "service_name": "contact_lookup",
    }
    return json.dumps(body | changes).encode()


def test_a_charge_says_who_paid_for_what(logged, member):
    status, request_id = logged.post(DEDUCT, charge(member), [b"X-Request-ID: t29-charge"])
    assert (status, request_id) == (201, "t29-charge")
    event = logged.await_event("credits.deducted", request_id="t29-charge")
    assert event["org_id"] == member["org_id"]
    assert event["user_id"] == member["id"]
    assert event["service_name"] == "contact_lookup"
    assert event["credits_deducted"] == 1
    assert event["remaining"] >= 0
    assert event["replayed"] is False
    assert "charge_request_id" not in event
    line = logged.await_event("request.finished", request_id="t29-charge")
    assert (line["level"], line["method"], line["status"]) == ("info", "POST", 201)
    assert line["route"] == "api/v1/org-billing/credits/deduct"
    assert line["principal_kind"] == "key"
    assert line["org_id"] == member["org_id"]
    assert line["duration_ms"] > 0
    assert line["bytes"] > 0


def test_a_retry_is_told_from_a_charge(logged, member):
    body = charge(member, request_id="my-own-id")
    logged.post(DEDUCT, body, [b"X-Request-ID: t29-first"])
    logged.post(DEDUCT, body, [b"X-Request-ID: t29-again"])
    first = logged.await_event("credits.deducted", request_id="t29-first")
    again = logged.await_event("credits.deducted", request_id="t29-again")
    assert first["usage_id"] == again["usage_id"]
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert first["charge_request_id"] == again["charge_request_id"] == "my-own-id"
    assert logged.await_event("request.finished", request_id="t29-again")["replayed"] is True


def test_a_refusal_has_its_code(logged, member):
    body = charge(member, credits=10**15)
    assert logged.post(DEDUCT, body, [b"X-Request-ID: t29-poor"])[0] == 402
    line = logged.await_event("request.finished", request_id="t29-poor")
    assert (line["level"], line["code"]) == ("info", "insufficient_credits")
    event = logged.await_event("credits.refused", request_id="t29-poor")
    assert (event["user_id"], event["requested"]) == (member["id"], 10**15)


def test_a_stranger_is_a_warning_with_an_address(logged):
    request = (
        b"GET /api/v1/org-billing/organizations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"X-Request-ID: t29-stranger\r\nConnection: close\r\n\r\n"
    )
    assert logged.raw(request)[0] == 401
    line = logged.await_event("request.finished", request_id="t29-stranger")
    assert (line["level"], line["code"]) == ("warning", "not_authenticated")
    assert line["client_address"] == "127.0.0.1"
    assert "principal_id" not in line


@pytest.mark.parametrize("offered", HOSTILE_IDS.values(), ids=HOSTILE_IDS.keys())
def test_a_request_id_that_could_forge_is_made_anew(logged, member, offered):
    status, request_id = logged.post(DEDUCT, charge(member), [b"X-Request-ID: " + offered])
    # What is no HTTP header at all is refused by the server, before there is a request.
    if status != 400:
        assert status == 201
        assert len(request_id) == 32
        logged.await_event("credits.deducted", request_id=request_id)
    assert "forged" not in {event["event"] for event in logged.events()}


def test_no_text_of_a_caller_makes_a_line_or_a_control_character(logged, member):
    hostile = '\r\n\x1b[31m{"event":"forged"}\x00\x85\u2028\u202e'
    bodies = [
        charge(member, service_name=f"a{hostile}"),
        charge(member, request_id=f"b{hostile}"),
        charge(member, metadata={f"c{hostile}": hostile}),
        charge(member, service_name="\ud800"),
        hostile.encode(),
    ]
    for body in bodies:
        logged.post(DEDUCT, body, [b"User-Agent: \x1b[31m", b"Idempotency-Key: \x1b[31m"])
    for path in (b"/%0d%0aforged%1b[31m", b"/api/%00%ff", b"/admin/%0aforged/?q=%0d%0aforged"):
        logged.raw(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    logged.raw(b"GET / HTTP/1.1\r\nHost: evil\x1b.example\r\nConnection: close\r\n\r\n")
    logged.post(DEDUCT, charge(member), [b"X-Request-ID: t29-last"])
    logged.await_event("request.finished", request_id="t29-last")
    assert "forged" not in {event["event"] for event in logged.events()}
    assert all(character.isprintable() or character == "\n" for character in logged.text)


def test_probes_are_quiet(logged):
    logged.service.get("organizations")
    probe = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-ID: t29-probe\r\nConnection: close\r\n\r\n"
    assert logged.raw(probe)[0] == 200
    line = logged.await_event("request.finished", request_id="t29-probe")
    assert (line["level"], line["route"]) == ("debug", "health")


def test_the_web_server_speaks_the_same_language(logged):
    started = [event for event in logged.events() if event["logger"] == "_granian"]
    assert any("Listening" in event["event"] for event in started)
