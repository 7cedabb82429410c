"""What no client library sends, on sockets to the web server as it runs in production: malformed request lines,
headers and framing. The server refuses it or serves it; it never fails, and it goes on serving.
"""

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from orgbilling.supervisor.instance import HOST, address
from orgbilling.supervisor.programs import Child, programs
from orgbilling.web.apps import RATES
from tests.concurrency.invariants import broken
from tests.corpus.room import TRACES, state
from tests.service import ROOT, await_answers

# The server sees what is committed.
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "counters"])

ANSWER_WITHIN_SECONDS = 30
#: A key that is used says when.
USED = {"api_keys"}
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
LINES = (
    b"GET /health HTTP/9.9",
    b"GET /health HTTP/1.0",
    b"GET /health",
    b"GET  /health HTTP/1.1",
    b"get /health HTTP/1.1",
    b"\x00 /health HTTP/1.1",
    b"G\xffT /health HTTP/1.1",
    b"GET /health\x00 HTTP/1.1",
    b"GET /\xff\xfe HTTP/1.1",
    b"GET /%00%ff%ed%a0%80 HTTP/1.1",
    b"GET /%zz%u0041% HTTP/1.1",
    b"GET //evil.example/%2e%2e/ HTTP/1.1",
    b"GET /api/v1/org-billing/../../admin/ HTTP/1.1",
    b"GET http://evil.example/health HTTP/1.1",
    b"GET health HTTP/1.1",
    b"GET * HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"CONNECT evil.example:80 HTTP/1.1",
    b"TRACE /health HTTP/1.1",
    b"BREW /api/v1/org-billing/plans HTTP/1.1",
    b"GET /api/v1/org-billing/plans?" + b"x" * 60_000 + b" HTTP/1.1",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1",
    b"GET /api/v1/org-billing/plans?\xff\xfe=\x01 HTTP/1.1",
    b"GET /admin/login/?next=//evil.example/%0d%0aX-Injected:1 HTTP/1.1",
    b"GET /static/../../../../etc/passwd HTTP/1.1",
    b"GET /static/%2e%2e/%2e%2e/settings.py HTTP/1.1",
    b"GET /static/%00 HTTP/1.1",
)
HEADERS = (
    b"",
    b"Host: a\r\nHost: b",
    b"Host: a b",
    b"Host: \x00",
    b"Host: [::1",
    b"Host: evil.example",
    b"Host: 127.0.0.1:99999999",
    b"Host: 127.0.0.1\r\nNo-Colon",
    b"Host: 127.0.0.1\r\nWith Space: 1",
    b"Host: 127.0.0.1\r\n: empty",
    b"Host: 127.0.0.1\r\nFolded: a\r\n b",
    b"Host: 127.0.0.1\r\nBare: a\nX-Injected: 1",
    b"Host: 127.0.0.1\r\nX-Request-ID: a\x00b",
    b"Host: 127.0.0.1\r\nX-Request-ID: \xff\xfe",
    b"Host: 127.0.0.1\r\nX-Request-ID: " + b"x" * 10_000,
    b"Host: 127.0.0.1\r\nX-Long: " + b"x" * 300_000,
    b"Host: 127.0.0.1\r\n" + b"\r\n".join(b"X-%d: 1" % number for number in range(2_000)),
    b"Host: 127.0.0.1\r\nCookie: " + b"a=b; " * 2_000,
    b"Host: 127.0.0.1\r\nCookie: sessionid=\x80; csrftoken=;;=",
    b"Host: 127.0.0.1\r\nAuthorization: Bearer \xff",
    b"Host: 127.0.0.1\r\nAuthorization: Bearer " + b"A" * 20_000,
    b"Host: 127.0.0.1\r\nX_Forwarded_For: 1\r\nX-Forwarded-For: \xff, ,,",
    b"Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade",
    b"Host: 127.0.0.1\r\nExpect: 200-maybe",
    b"Host: 127.0.0.1\r\nRange: bytes=-9999999999999999999,a-b",
    b"Host: 127.0.0.1\r\nIf-Modified-Since: the day before yesterday",
    b"Host: 127.0.0.1\r\nAccept-Encoding: gzip;q=999, \xff",
)
#: Headers of a POST, and what follows them.
BODIES = (
    (b"Content-Length: many", b"{}"),
    (b"Content-Length: -1", b"{}"),
    (b"Content-Length: +2", b"{}"),
    (b"Content-Length: 2\r\nContent-Length: 3", b"{}x"),
    (b"Content-Length: 99999999999999999999", b"{}"),
    (b"Content-Length: 2\r\nTransfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b"zz\r\n{}\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b"-2\r\n{}\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b"2;" + b"x" * 100_000 + b"\r\n{}\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b"".join(b"1\r\n{\r\n" for _ in range(1_000)) + b"0\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b"100001\r\n" + b"x" * (2**20 + 1) + b"\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: gzip, chunked", b"2\r\n{}\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: identity", b"{}"),
    (b"Transfer-Encoding: \x0bchunked", b"2\r\n{}\r\n0\r\n\r\n"),
    (b"Content-Encoding: gzip\r\nContent-Length: 2", b"\x1f\x8b"),
    (b"Expect: 100-continue\r\nContent-Length: 2", b"{}"),
    (b"Content-Length: 1048577", b"x" * (2**20 + 1)),
    (b"Content-Length: 200000", b"[" * 200_000),
    (b"Content-Type: application/json; charset=\xff\r\nContent-Length: 2", b"{}"),
)
#: What the connection begins with, and ends after.
CUT_OFF = (
    b"",
    b"\r\n\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
    b"SSH-2.0-nobody\r\n",
    b"GET /health HTT",
    b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ",
    b"POST /api/v1/org-billing/credits/deduct HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\n\r\n{",
    b"POST /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}\r\n",
    b"\xff" * 65_536,
)


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """The web server over the test's own database; its port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    parts = urlsplit(os.environ["DATABASE_URL"])
    env = {
        **os.environ,
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}")),
        "DATA_DIR": str(folder),
        "PUBLIC_URL": address(port),
        **dict.fromkeys(RATES, ""),
    }
    child = Child(programs(port)[0], folder / "web.log", env, ROOT)
    try:
        await_answers(child, port)
        yield port
        child.check()
    finally:
        child.stop()


def exchange(port: int, request: bytes, *, hang_up: bool = False) -> bytes:
    """What comes back until the server closes; at once nothing, if the client hangs up."""
    with socket.create_connection((HOST, port), timeout=ANSWER_WITHIN_SECONDS) as wire:
        answer = b""
        try:
            wire.sendall(request)
            if hang_up:
                return answer
            while part := wire.recv(65_536):
                answer += part
        except (BrokenPipeError, ConnectionResetError):
            # Refused before all of it was sent: what was answered may be lost with the connection.
            return answer
        return answer


def complaint(answer: bytes) -> str | None:
    """What is wrong with what the server sent; closing without a word is a refusal too."""
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    found = STATUS.match(answer)
    if found is None:
        return f"no HTTP: {answer[:80]!r}" if answer else None
    status = int(found[1])
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{status}: {body[:200]!r}"
    if any(line.startswith(b"x-injected") for line in lines):
        return "a header of the caller's making"
    if any(trace in body for trace in TRACES) or b"root:x:" in body:
        return "says what went on inside"
    ours = any(line.startswith(b"x-request-id:") for line in lines)
    problem = b"content-type: application/problem+json" in lines
    page = any(
        line.startswith((b"content-type: text/html", b"content-type: text/plain")) for line in lines
    )
    if status >= HTTPStatus.BAD_REQUEST and ours and not (problem or page):
        return f"{status} without a problem"
    return None


def requests(org_id: str, key: str) -> Iterator[tuple[bytes, bool]]:
    """All of them, and whether the client hangs up."""
    plain = b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n"
    bearer = b"Authorization: Bearer " + key.encode()
    for line in LINES:
        yield line + b"\r\n" + plain, False
    for header in HEADERS:
        for path in (b"/api/v1/org-billing/plans", b"/admin/login/"):
            start = b"GET " + path + b" HTTP/1.1\r\n" + header
            yield start + (b"\r\n" if header else b"") + b"Connection: close\r\n\r\n", False
    post = f"POST /api/v1/org-billing/credits/{org_id}/add HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    declared = b"\r\nContent-Type: application/json"
    for header, body in BODIES:
        start = post + bearer + (b"" if b"Content-Type" in header else declared)
        yield start + b"\r\n" + header + b"\r\nConnection: close\r\n\r\n" + body, False
    for beginning in CUT_OFF:
        yield beginning, True


def test_nothing_that_comes_over_a_socket_makes_it_fail(funded, alpha_key, tmp_path):
    wrong, asked, before = {}, 0, state()
    with serving(tmp_path) as port:
        for request, hang_up in requests(str(funded.pk), alpha_key):
            asked += 1
            try:
                found = complaint(exchange(port, request, hang_up=hang_up))
            except TimeoutError:
                found = "no answer, and the connection stays open"
            if found:
                wrong[request[:80] + b" ... " + request[-120:]] = found
        good = b"POST /api/v1/org-billing/credits/%b/add HTTP/1.1\r\n" % str(funded.pk).encode()
        good += b"Host: 127.0.0.1\r\nAuthorization: Bearer " + alpha_key.encode()
        good += b"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        after = {name: rows for name, rows in state().items() if name not in USED}
        assert after == {name: rows for name, rows in before.items() if name not in USED}
        answer = exchange(port, good + b'Connection: close\r\n\r\ne\r\n{"credits": 5}\r\n0\r\n\r\n')
    assert not wrong, "\n".join(["", *(f"{what!r}: {why}" for what, why in wrong.items())])
    assert asked > 90
    assert STATUS.match(answer)[1] == b"201", answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["pool"]["total_credits"] == 10_005
    assert "internal_error" not in (tmp_path / "web.log").read_text(errors="replace")
    assert broken(funded.pk) == []
