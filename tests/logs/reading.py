"""Reads what a running service logs, and asks it for things byte by byte."""

import json
import socket
import time
from contextlib import closing

from orgbilling.supervisor.instance import HOST

BASE = "/api/v1/org-billing"
WRITTEN_WITHIN_SECONDS = 20


class Logged:
    """A running service, and its log as events."""

    def __init__(self, service):
        self.service = service

    @property
    def text(self):
        """All that was written, by any logger of any process."""
        return self.service.log

    def events(self):
        """Every line, which is one JSON object or the test fails."""
        return [json.loads(line) for line in self.text.split("\n")[:-1]]

    def await_event(self, event, **fields):
        """The only event of this name with these fields; it may be written a little later than the answer."""
        deadline = time.monotonic() + WRITTEN_WITHIN_SECONDS
        while True:
            found = [
                one
                for one in self.events()
                if one["event"] == event and fields.items() <= one.items()
            ]
            if found or time.monotonic() > deadline:
                (only,) = found
                return only
            time.sleep(0.02)

    def raw(self, request):
        """Send bytes as they are; the status, and the request id of the answer."""
        with closing(socket.create_connection((HOST, self.service.port), timeout=30)) as connection:
            connection.sendall(request)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        head = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:])
        return int(head[0].split(" ")[1]), headers.get("x-request-id", "")

    def post(self, path, body, headers=()):
        """A POST of these bytes with the key of all organizations, and the headers as they are."""
        token = self.service.key(bound=False)["headers"]["Authorization"]
        lines = [
            f"POST {path if path.startswith('/') else f'{BASE}/{path}'} HTTP/1.1".encode(),
            b"Host: 127.0.0.1",
            b"Connection: close",
            f"Authorization: {token}".encode(),
            b"Content-Type: application/json",
            f"Content-Length: {len(body)}".encode(),
            *headers,
        ]
        return self.raw(b"\r\n".join(lines) + b"\r\n\r\n" + body)
