"""Two servers with the limits of production over one database, and callers whose minute has just begun."""

import http.client
import json
import os
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psycopg
from django_ratelimit.core import _get_window

from organizations.keys import PREFIX_SHOWN_LENGTH, generate_key, hash_key
from orgbilling.supervisor.instance import HOST, address
from orgbilling.supervisor.programs import Child, Program, programs, run_step
from orgbilling.web.apps import RATES
from tests.service import ROOT, await_answers, own_database

Result = TypeVar("Result")

PERIOD_SECONDS = 60
# What a caller's minute has to have left when the test begins: many times what the test takes.
LEFT_SECONDS = 50
PATIENCE_SECONDS = 60
API = "/api/v1/org-billing"
ADD_KEY = """
INSERT INTO api_keys (id, name, prefix, key_hash, scopes, created_at)
VALUES (%s, 'limited', %s, %s, '{organizations:read,organizations:manage}', now())
"""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Servers:
    """They trust their peer as a proxy: so each test has addresses of its own."""

    database_url: str
    ports: list[int] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)

    def key(self) -> tuple[str, str]:
        """A new key of all organizations whose minute has just begun: its identity and its plain text."""
        identity = fresh(lambda: f"key:{uuid.uuid4()}")
        plain = generate_key()
        row = (identity.removeprefix("key:"), plain[:PREFIX_SHOWN_LENGTH], hash_key(plain))
        with psycopg.connect(self.database_url) as connection:
            connection.execute(ADD_KEY, row)
        return identity, plain

    def call(
        self,
        server: int,
        key: str,
        path: str = "/plans",
        *,
        method: str = "GET",
        forwarded: str = "",
    ) -> Answer:
        """Ask one of them; a write makes an organization."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        if forwarded:
            headers["X-Forwarded-For"] = forwarded
        name = f"limited-{secrets.token_hex(6)}"
        body = json.dumps({"name": name}) if method == "POST" else None
        port = self.ports[server % len(self.ports)]
        with closing(http.client.HTTPConnection(HOST, port, timeout=30)) as connection:
            connection.request(method, f"{API}{path}", body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())


def fresh(make: Callable[[], str]) -> str:
    """The first identity whose window of a minute has nearly all of it left."""
    while True:
        identity = make()
        if seconds_left(identity) >= LEFT_SECONDS:
            return identity


def seconds_left(identity: str) -> float:
    """Until the caller's window ends."""
    return float(_get_window(identity, PERIOD_SECONDS) + 1 - time.time())


def in_one_window(make: Callable[[], str], work: Callable[[str], Result]) -> Result:
    """What the work returned for an identity whose window lasted until its end."""
    while True:
        identity = fresh(make)
        ends = time.time() + seconds_left(identity)
        result = work(identity)
        if time.time() < ends:
            return result


def at_once(works: list[Callable[[], Answer]]) -> list[Answer]:
    """Start all of them at the same moment, each in its thread."""
    gate = threading.Barrier(len(works))

    def start(work: Callable[[], Answer]) -> Answer:
        gate.wait(PATIENCE_SECONDS)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(start, works))


@contextmanager
def limited_servers(folder: Path, **settings: str) -> Iterator[Servers]:
    """Two servers, each of one process, on an empty database; the second one fails open."""
    with own_database() as database_url:
        env = {name: value for name, value in os.environ.items() if name not in RATES}
        env |= {
            "DJANGO_SETTINGS_MODULE": "orgbilling.settings",
            "DATABASE_URL": database_url,
            "DATA_DIR": str(folder),
            "TRUSTED_PROXIES": HOST,
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        run_step(["migrate", "--no-input"], folder / "setup.log", env, ROOT)
        servers = Servers(database_url)
        try:
            for fails in ("closed", "open"):
                port = free_port()
                own = {"RATE_LIMIT_FAIL": fails, "PUBLIC_URL": address(port)}
                servers.ports.append(port)
                log = folder / f"{fails}.log"
                servers.children.append(Child(_one_process(port), log, env | own, ROOT))
            for child, port in zip(servers.children, servers.ports, strict=True):
                await_answers(child, port)
            yield servers
        finally:
            for child in servers.children:
                child.stop()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _one_process(port: int) -> Program:
    command = programs(port)[0].command
    command[command.index("--workers") + 1] = "1"
    return Program("web", command)
