"""A receiver of webhooks for tests: it keeps what it is sent, and answers well or as badly as it is told to.

What it does is named by the path: `/ok`, `/status/500`, `/stall` and so on; see `_ACTS`. Another path is answered by
what `answers` has next, or by 204.
"""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

#: What a stalling receiver waits for at most: the test ends it before.
PATIENCE = 30.0


@dataclass(frozen=True)
class Received:
    """One request, as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Receiver(socketserver.ThreadingTCPServer):
    """Listens on a port of 127.0.0.1."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Conversation)
        self.received: list[Received] = []
        self.connections = self.answered = 0
        self.under_way = self.most_under_way = 0
        self.answers: list[bytes] = []
        #: What is done with the request of a number, from 1, such as ``status/500``; empty: as the path says.
        self.moods: Callable[[int], str] = lambda _: ""
        self.on_request: Callable[[Received], None] = _ignore
        self.released = threading.Event()
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def ids(self) -> list[str]:
        return [request.id for request in self.received]

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that hangs up is nothing to report."""


class _Conversation(socketserver.StreamRequestHandler):
    server: Receiver

    def handle(self) -> None:
        with self.server.lock:
            self.server.connections += 1
            self.server.under_way += 1
            self.server.most_under_way = max(self.server.most_under_way, self.server.under_way)
        try:
            request = self._read()
            if request is not None:
                self._answer(request)
        finally:
            with self.server.lock:
                self.server.under_way -= 1

    def _read(self) -> Received | None:
        line = self.rfile.readline().decode("latin-1").split()
        if len(line) != 3:
            return None
        headers = {}
        while text := self.rfile.readline().decode("latin-1").strip():
            name, _, value = text.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        request = Received(line[1], headers, body)
        self.server.on_request(request)
        with self.server.lock:
            self.server.received.append(request)
        return request

    def _answer(self, request: Received) -> None:
        with self.server.lock:
            self.server.answered += 1
            mood = self.server.moods(self.server.answered)
        name, *rest = (mood or request.path.lstrip("/")).split("/")
        act = _ACTS.get(name)
        if act is not None:
            act(self, *rest)
            return
        with self.server.lock:
            answer = self.server.answers.pop(0) if self.server.answers else status(204)
        self.wfile.write(answer)

    def drip(self, text: bytes) -> None:
        """A byte now and then: never silent for long, and never done."""
        for byte in text:
            if self.server.released.wait(0.05):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def stall(self) -> None:
        self.server.released.wait(PATIENCE)


def _ignore(_: object) -> None:
    """Nothing."""


def status(code: int, *headers: str, body: bytes = b"") -> bytes:
    """An answer."""
    lines = [f"HTTP/1.1 {code} As told", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _status(talk: _Conversation, code: str, retry_after: str = "") -> None:
    headers = [f"Retry-After: {retry_after}"] if retry_after else []
    talk.wfile.write(status(int(code), *headers, body=b"because \x00\x1b[31m I say so"))


def _redirect(talk: _Conversation, code: str) -> None:
    where = f"http://127.0.0.1:{talk.server.port}/elsewhere"
    talk.wfile.write(status(int(code), f"Location: {where}"))


def _big(talk: _Conversation) -> None:
    body = b"x" * 10_000_000
    talk.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
    talk.wfile.write(body)


def _cut(talk: _Conversation) -> None:
    # RST instead of FIN.
    talk.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    talk.request.close()


_ACTS: dict[str, Callable[..., None]] = {
    "ok": lambda talk: talk.wfile.write(status(200, body=b"thanks")),
    "status": _status,
    "redirect": _redirect,
    "big": _big,
    "cut": _cut,
    "half": lambda talk: talk.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "garbage": lambda talk: talk.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "silence": _ignore,
    "stall": _Conversation.stall,
    "drip": lambda talk: talk.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 10_000),
    "dripbody": lambda talk: (
        talk.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"),
        talk.drip(b"z" * 10_000),
    ),
    "hugeheader": lambda talk: talk.wfile.write(
        b"HTTP/1.1 200 OK\r\nX-Huge: " + b"z" * 1_000_000 + b"\r\nContent-Length: 0\r\n\r\n"
    ),
    "manyheaders": lambda talk: talk.wfile.write(
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: z\r\n" * 50_000 + b"\r\n"
    ),
    "continue": lambda talk: talk.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
    "liedlength": lambda talk: talk.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"
    ),
    "cutbody": lambda talk: (
        talk.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nsome"),
        _cut(talk),
    ),
}


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver that listens while the block runs."""
    with Receiver(port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            with suppress(OSError):
                server.shutdown()
            thread.join()
