"""The requests of a load, made beforehand but for their keys, and what their answers have to be."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bench import cast

API: Final = "/api/v1/org-billing"
HOST: Final = "billing.bench.example"
CREDITS: Final = 10
#: What stands in a prepared request for its own digits, as many of them.
OWN: Final = b"OWNDIGITS-OWNDIGITS-OWND"
#: Prepared requests of a connection: so many members are charged in turn.
MEMBERS: Final = 500
ORGANIZATIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Job:
    """A load.

    Attributes:
        kind: a name in `KINDS`.
        rate: requests a second; 0: as many as the connections can.
        items: of a batch.
        organizations, users: who is charged.
    """

    port: int
    key: str
    kind: str
    connections: int
    seconds: float
    rate: float = 0
    items: int = 0
    organizations: int = 1
    users: int = 1


class WrongAnswer(RuntimeError):
    """An answer that no load expects: the measurement is worth nothing."""


class Requests:
    """The requests of one connection, one after the other."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.prepared = self.prepare()
        self.turn = random.randrange(len(self.prepared))
        self.prefix = secrets.token_hex(6)
        self.count = 0

    @staticmethod
    def of(job: Job) -> Callable[[], Requests]:
        """What makes each connection's requests."""
        return lambda: KINDS[job.kind](job)

    def prepare(self) -> list[bytes]:
        """The requests that are sent in turn, with OWN where their digits go."""
        raise NotImplementedError

    def next(self) -> bytes:
        """The next request."""
        self.turn = (self.turn + 1) % len(self.prepared)
        return self.prepared[self.turn].replace(OWN, self.own())

    def own(self) -> bytes:
        """Digits that no other request has."""
        self.count += 1
        return f"{self.prefix}{self.count:012x}".encode()

    def take(self, answer: bytes) -> int | None:
        """The charges that an answer acknowledges; None: more has to be asked before anything is done.

        Raises:
            WrongAnswer: it is not what was asked for.
        """
        raise NotImplementedError

    def who(self) -> tuple[str, str]:
        """Somebody to charge."""
        org = random.randrange(self.job.organizations)
        return str(cast.org_id(org)), str(cast.user_id(org, random.randrange(self.job.users)))

    def request(self, path: str, body: Any, *, keyed: bool = True) -> bytes:
        """A POST as a proxy in front of the service passes it on."""
        content = json.dumps(body, separators=(",", ":")).encode()
        lines = [
            f"POST {API}{path} HTTP/1.1",
            f"Host: {HOST}",
            f"Authorization: Bearer {self.job.key}",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            "X-Forwarded-For: 203.0.113.7",
            "X-Forwarded-Proto: https",
            "User-Agent: bench",
        ]
        if keyed:
            lines.append(f"Idempotency-Key: {OWN.decode()}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def expect(answer: bytes, status: bytes) -> None:
    """Raise WrongAnswer unless the answer has this status."""
    if answer[9:12] != status:
        raise WrongAnswer(answer[:2000].decode("utf-8", "replace"))


class Deduct(Requests):
    """One charge a request, each with a key of its own."""

    def prepare(self) -> list[bytes]:
        """A charge of each of some members."""
        return [self.request("/credits/deduct", self.charge()) for _ in range(MEMBERS)]

    def charge(self) -> Mapping[str, Any]:
        """The body."""
        org_id, user_id = self.who()
        return {
            "org_id": org_id,
            "user_id": user_id,
            "service_name": "contact_lookup",
            "service_type": "api",
            "credits": CREDITS,
            "metadata": {"company": "acme.example"},
        }

    def take(self, answer: bytes) -> int | None:
        """One charge, made now."""
        expect(answer, b"201")
        return 1


class Check(Deduct):
    """Whether a charge would pass; it charges nothing."""

    def prepare(self) -> list[bytes]:
        """A question about each of some members."""
        asked = ("org_id", "user_id", "service_name", "credits")
        charges = [self.charge() for _ in range(MEMBERS)]
        bodies = [{name: charge[name] for name in asked} for charge in charges]
        return [self.request("/credits/check", body, keyed=False) for body in bodies]

    def take(self, answer: bytes) -> int | None:
        """None is charged."""
        expect(answer, b"200")
        return 0


class HoldAndCapture(Deduct):
    """A hold and its capture, two requests that belong together."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.held = b""

    def prepare(self) -> list[bytes]:
        """A hold of each of some members."""
        return [self.request("/credits/holds", self.charge()) for _ in range(MEMBERS)]

    def next(self) -> bytes:
        """The hold, then the capture of all of it."""
        if not self.held:
            return super().next()
        capture = self.request(f"/credits/holds/{self.held.decode()}/capture", {"credits": CREDITS})
        return capture.replace(OWN, self.own())

    def take(self, answer: bytes) -> int | None:
        """Nothing of the hold; one charge of the capture."""
        if self.held:
            expect(answer, b"200")
            self.held = b""
            return 1
        expect(answer, b"201")
        self.held = json.loads(answer.partition(b"\r\n\r\n")[2])["id"].encode()
        return None


class Batch(Deduct):
    """Many charges of one organization in a request, each with a key of its own."""

    def prepare(self) -> list[bytes]:
        """A batch of each of some organizations."""
        return [self.batch() for _ in range(min(ORGANIZATIONS, self.job.organizations))]

    def batch(self) -> bytes:
        """The items name themselves by `request_id`, which is their key."""
        org = random.randrange(self.job.organizations)
        items = [
            {
                **self.charge(),
                "org_id": str(cast.org_id(org)),
                "user_id": str(cast.user_id(org, random.randrange(self.job.users))),
                "request_id": f"{OWN.decode()}-{number}",
            }
            for number in range(self.job.items)
        ]
        return self.request("/credits/deduct/batch", {"items": items}, keyed=False)

    def take(self, answer: bytes) -> int | None:
        """All of them, made now."""
        expect(answer, b"200")
        if f'"deducted":{self.job.items},"failed":0'.encode() not in answer[-200:]:
            raise WrongAnswer(answer[-2000:].decode("utf-8", "replace"))
        return self.job.items


KINDS: Final[dict[str, type[Requests]]] = {
    "deduct": Deduct,
    "check": Check,
    "hold_capture": HoldAndCapture,
    "batch": Batch,
}
