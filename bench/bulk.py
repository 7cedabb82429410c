"""Batches of charges by several connections at once: our function, or COPY of the same rows.

Reads one JSON document from its input, works for so many seconds, prints how many items went in and how fast. The
rows are made beforehand; only their keys are put in between two calls.
"""

from __future__ import annotations

import json
import random
import secrets
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from bench import cast
from bench.proof import CREDITS

#: What stands in a prepared text for a call's own eight hexadecimal digits, and for its moment within a key.
CALL: Final = b"CALLCALL"
MOMENT: Final = b"MOME-MENT"
TEMPLATES: Final = 20
HASH: Final = "75" * 32
METADATA: Final = {"company": "acme.example"}
BATCH: Final = "SELECT * FROM public.deduct_batch(%s, %s, %s)"
COLUMNS: Final = (
    "id, org_id, user_id, allocation_id, credits_used, overage_credits, service_type, service_name, request_id,"
    " metadata, remaining_credits, operation, idempotency_key, body_hash, actor, created_at"
)
COPY: Final = f"COPY bench.copied ({COLUMNS}) FROM STDIN"


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked for.

    Attributes:
        url: the database.
        way: `batch` or `copy`.
        items: of one call.
        clients: connections.
        organizations, users: who is charged: a call is of one organization.
    """

    url: str
    way: str
    items: int
    clients: int
    seconds: float
    organizations: int
    users: int


@dataclass(slots=True)
class Tally:
    """What one connection has done."""

    calls: int = 0
    error: BaseException | None = None


def main() -> int:
    """Do one job; returns the exit status."""
    job = Job(**json.load(sys.stdin))
    way: Callable[[Job], Callable[[psycopg.Connection[Any]], None]]
    way = {"batch": _batches, "copy": _copies}[job.way]
    gate = threading.Barrier(job.clients + 1)
    tallies = [Tally() for _ in range(job.clients)]
    threads = [
        threading.Thread(target=_work, args=(job, way(job), gate, tally), daemon=True)
        for tally in tallies
    ]
    for thread in threads:
        thread.start()
    gate.wait(30)
    began = time.monotonic()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    for tally in tallies:
        if tally.error is not None:
            raise tally.error
    items = sum(tally.calls for tally in tallies) * job.items
    json.dump({"items": items, "per_second": items / seconds}, sys.stdout)
    return 0


def _work(
    job: Job,
    call: Callable[[psycopg.Connection[Any]], None],
    gate: threading.Barrier,
    tally: Tally,
) -> None:
    try:
        with psycopg.connect(job.url, autocommit=True) as connection:
            gate.wait(30)
            until = time.monotonic() + job.seconds
            while time.monotonic() < until:
                call(connection)
                tally.calls += 1
    except BaseException as error:  # noqa: BLE001 - told by the main thread
        tally.error = error
        gate.abort()


def _key(number: int) -> str:
    """A time-ordered key's text, but for what the call puts in."""
    first = f"{int(time.time() * 1000):012x}"[:4]
    return (
        f"{first}{MOMENT.decode()}-7{number % 4096:03x}-8{number // 4096:03x}-0000{CALL.decode()}"
    )


def _of_this_call(template: bytes) -> bytes:
    moment = f"{int(time.time() * 1000):012x}"[4:]
    own = f"{secrets.randbits(32):08x}".encode()
    return template.replace(CALL, own).replace(MOMENT, f"{moment[:4]}-{moment[4:]}".encode())


def _batches(job: Job) -> Callable[[psycopg.Connection[Any]], None]:
    templates = []
    for _ in range(min(TEMPLATES, job.organizations)):
        org = random.randrange(job.organizations)
        items = [
            {
                "usage_id": _key(number),
                "user_id": str(cast.user_id(org, random.randrange(job.users))),
                "credits": CREDITS,
                "quantity": None,
                "service_name": "contact_lookup",
                "service_type": "api",
                "request_id": f"bench-{CALL.decode()}-{number}",
                "metadata": METADATA,
                "key": f"bench-{CALL.decode()}-{number}",
                "hash": HASH,
            }
            for number in range(job.items)
        ]
        templates.append((cast.org_id(org), json.dumps(items).encode()))

    def call(connection: psycopg.Connection[Any]) -> None:
        org_id, text = random.choice(templates)
        items = _of_this_call(text).decode()
        rows = connection.execute(BATCH, [org_id, items, cast.ACTOR]).fetchall()
        if len(rows) != job.items or any(row[1] != "charged" for row in rows):
            raise ValueError(rows[0])

    return call


def _copies(job: Job) -> Callable[[psycopg.Connection[Any]], None]:
    templates = []
    for _ in range(min(TEMPLATES, job.organizations)):
        org = random.randrange(job.organizations)
        lines = []
        for number in range(job.items):
            user = random.randrange(job.users)
            own = f"0190000000007000a000{org * cast.USERS_MAX + user:012x}"
            request = f"bench-{CALL.decode()}-{number}"
            moment = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())}+00"
            values = [
                _key(number),
                cast.org_id(org),
                cast.user_id(org, user),
                own,
                CREDITS,
                0,
                "api",
            ]
            values += ["contact_lookup", request, json.dumps(METADATA), 10**10, "deduct", request]
            values += [f"\\\\x{HASH}", cast.ACTOR, moment]
            lines.append("\t".join(map(str, values)))
        templates.append(("\n".join(lines) + "\n").encode())

    def call(connection: psycopg.Connection[Any]) -> None:
        with connection.cursor().copy(COPY) as copy:
            copy.write(_of_this_call(random.choice(templates)))

    return call


if __name__ == "__main__":
    sys.exit(main())
