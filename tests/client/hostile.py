"""A server that answers as it is told to, byte by byte, on a real socket."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from orgbilling.supervisor.instance import HOST

#: What is done with one request: the socket is closed after it.
Act = Callable[[socket.socket], None]
GIVEN_UP = (ConnectionError, TimeoutError, OSError)


@dataclass
class Request:
    """What came."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str | None:
        """Its idempotency key."""
        return self.headers.get("idempotency-key")


@dataclass
class Hostile:
    """The server: where it is, and what it was asked."""

    url: str
    requests: list[Request] = field(default_factory=list)


@contextmanager
def hostile(*acts: Act) -> Iterator[Hostile]:
    """Serve the acts, one a request; then the last one for ever.

    When it ends, every request has been read that a caller sent, also one that gave up waiting.
    """
    with socket.create_server((HOST, 0)) as listener, socket.socket() as last:
        server = Hostile(f"http://{HOST}:{listener.getsockname()[1]}")
        last.bind((HOST, 0))
        thread = threading.Thread(
            target=_serve, args=[listener, server, acts, last.getsockname()], daemon=True
        )
        thread.start()
        yield server
        # Connections are accepted in their order: this one ends it.
        last.connect(listener.getsockname())
        thread.join()


def _serve(
    listener: socket.socket, server: Hostile, acts: tuple[Act, ...], last: tuple[str, int]
) -> None:
    remaining = list(acts)
    while True:
        caller, address = listener.accept()
        with caller:
            if address == last:
                return
            caller.settimeout(10)
            with suppress(*GIVEN_UP):
                request = _request(caller)
                if request is None:
                    continue
                server.requests.append(request)
                act = remaining.pop(0) if len(remaining) > 1 else remaining[0]
                act(caller)


def _request(caller: socket.socket) -> Request | None:
    stream = caller.makefile("rb")
    line = stream.readline().decode().strip()
    if not line:
        return None
    headers = {}
    while head := stream.readline().decode().strip():
        name, _, value = head.partition(":")
        headers[name.lower()] = value.strip()
    return Request(line, headers, stream.read(int(headers.get("content-length", 0))))


def says(
    status: int,
    body: bytes | dict[str, Any],
    kind: str = "application/json",
    **headers: str,
) -> Act:
    """Answer so; header names have underscores."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(content)}", "Connection: close"]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + content)


def refuses(status: int, code: str, **headers: str) -> Act:
    """Answer with a problem document."""
    document = {
        "type": f"https://billing.example/problems/{code}",
        "title": code,
        "status": status,
        "code": code,
        "detail": f"It is {code}.",
        "request_id": "the-server's",
    }
    return says(status, document, "application/problem+json", **headers)


def raw(content: bytes) -> Act:
    """Send these bytes."""

    def act(caller: socket.socket) -> None:
        caller.sendall(content)

    return act


def cut(_caller: socket.socket) -> None:
    """Say nothing and hang up."""


def stall(caller: socket.socket) -> None:
    """Say nothing until the caller hangs up."""
    caller.recv(1)


def trickle(caller: socket.socket) -> None:
    """Begin an answer that never ends."""
    caller.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n"
    )
    pause = threading.Event()
    while True:
        caller.sendall(b" ")
        pause.wait(0.05)


def flood(caller: socket.socket) -> None:
    """Send an answer without end."""
    caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    while True:
        caller.sendall(b"0," * 32_768)


USAGE = {
    "id": "0199b1e2-0000-7000-8000-000000000001",
    "org_id": "0199b1e2-0000-7000-8000-000000000002",
    "user_id": "0199b1e2-0000-7000-8000-000000000003",
    "allocation_id": "0199b1e2-0000-7000-8000-000000000004",
    "credits_used": 50,
    "overage_credits": 0,
    "service_type": None,
    "service_name": "company_enrichment",
    "unit_price": None,
    "quantity": None,
    "price_version": None,
    "request_id": "r",
    "metadata": {},
    "refunded_credits": 0,
    "refund_of": None,
    "hold_id": None,
    "remaining_credits": 950,
    "created_at": "2026-11-22T16:00:00Z",
}
charged = says(201, USAGE)
