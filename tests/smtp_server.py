"""A mail server for tests: speaks SMTP on a port of 127.0.0.1, keeps what it took, and can refuse."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer(socketserver.ThreadingTCPServer):
    """Takes messages into `taken`.

    `answers`: what it says to a command instead of 250, by the command's first word, such as ``{"RCPT": "550 no"}``.
    `on_taken`: called when a message was taken, before the server says so.
    """

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.taken: list[EmailMessage] = []
        self.connections = 0
        self.answers: dict[str, str] = {}
        self.on_taken: Callable[[], None] = lambda: None

    @property
    def port(self) -> int:
        return self.server_address[1]


class Conversation(socketserver.StreamRequestHandler):
    """One client."""

    server: MailServer

    def handle(self) -> None:
        self.server.connections += 1
        self.say("220 test")
        while line := self.rfile.readline():
            word = line.split()[0].decode().upper() if line.split() else ""
            if word in self.server.answers:
                self.say(self.server.answers[word])
            elif word == "DATA":
                self.say("354 go on")
                self.take()
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        self.server.taken.append(message)
        self.server.on_taken()

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server that lives as long as the block."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
