"""The service as it runs in production, on a free port, with a database of its own."""

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from orgbilling.supervisor.instance import HOST, address
from orgbilling.supervisor.programs import Child, programs, run_step
from orgbilling.web.apps import RATES

ROOT = Path(__file__).resolve().parent.parent
STARTED_WITHIN_SECONDS = 60
CSRF_SECRET = "testing" + "0" * 25


class Service:
    """A running service and its demo's people and keys."""

    def __init__(self, port: int, folder: Path, env: dict[str, str], child: Child) -> None:
        self.port, self.env, self.child = port, env, child
        self.url = address(port)
        self.demo: dict[str, Any] = json.loads((folder / "demo.json").read_text())

    def key(self, *, bound: bool) -> dict[str, Any]:
        """What a caller sends by the demo's key: of all organizations, or bound to Globex."""
        key = next(key["key"] for key in self.demo["api_keys"] if bool(key["org_id"]) is bound)
        return {"headers": {"Authorization": f"Bearer {key}"}, "cookies": {}}

    def session(self, email: str) -> dict[str, Any]:
        """What a browser sends in which this person is signed in."""
        door = self._doorkeeper
        assert door.stdin is not None
        assert door.stdout is not None
        door.stdin.write(f"{email}\n")
        door.stdin.flush()
        signed_in = door.stdout.readline().strip()
        assert signed_in, f"{email} can't be signed in."
        return {
            "headers": {"X-CSRFToken": CSRF_SECRET},
            "cookies": {"csrftoken": CSRF_SECRET, "sessionid": signed_in},
        }

    @cached_property
    def _doorkeeper(self) -> "subprocess.Popen[str]":
        """Signs people in, by the service's own settings; Django takes a while to start, so there is one for all."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.session"],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End what serves the tests and not the callers."""
        if "_doorkeeper" in vars(self):
            # It ends with its input.
            self._doorkeeper.communicate()

    def password(self, email: str) -> str:
        """The password of a person of the demo."""
        people = [self.demo["admin"], *self.demo["users"]]
        return next(str(one["password"]) for one in people if one["email"] == email)

    def org_of(self, email: str) -> str:
        """The id of the organization that a person of the demo belongs to."""
        return next(str(one["org_id"]) for one in self.demo["users"] if one["email"] == email)

    def get(self, path: str) -> Any:
        """The JSON that the key of all organizations is answered with."""
        status, document = self._call("GET", path, None)
        assert status == 200, document
        return document

    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """The answer to a call by the key of all organizations that succeeds, or finds it done already."""
        status, document = self._call(method, path, json.dumps(body).encode())
        assert status in {200, 201, 202, 409}, document
        return document

    def _call(self, method: str, path: str, body: bytes | None) -> tuple[int, Any]:
        headers = self.key(bound=False)["headers"] | {"Content-Type": "application/json"}
        with closing(http.client.HTTPConnection(HOST, self.port, timeout=30)) as connection:
            connection.request(method, f"/api/v1/org-billing/{path}", body, headers)
            answer = connection.getresponse()
            return answer.status, json.load(answer)

    @property
    def log(self) -> str:
        """What the server has written."""
        return self.child.log.read_text(errors="replace")


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Service]:
    """Start the service on an empty database and seed it; stop it and drop the database at the end."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    with own_database() as database_url:
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "orgbilling.settings",
            "DATABASE_URL": database_url,
            "DATA_DIR": str(folder),
            "PUBLIC_URL": address(port),
            "PYTHONUNBUFFERED": "1",
            **dict.fromkeys(RATES, ""),
            "LOG_LEVEL": "INFO",
            **settings,
        }
        for step in (["migrate", "--no-input"], ["seed_demo"]):
            run_step(step, folder / "setup.log", env, ROOT)
        child = Child(programs(port)[0], folder / "web.log", env, ROOT)
        try:
            await_answers(child, port)
            with closing(Service(port, folder, env, child)) as service:
                yield service
        finally:
            child.stop()


def await_answers(child: Child, port: int) -> None:
    """Return once the server answers; it says itself why when it ends before."""
    deadline = time.monotonic() + STARTED_WITHIN_SECONDS
    while True:
        child.check()
        with closing(http.client.HTTPConnection(HOST, port, timeout=5)) as connection:
            try:
                connection.request("GET", "/ready")
                answer = connection.getresponse()
                assert answer.status == 200, answer.read()
            except OSError:
                assert time.monotonic() < deadline, child.log.read_text()
                # Refused at once while nothing listens: let it start.
                time.sleep(0.05)
            else:
                return


@contextmanager
def own_database() -> Iterator[str]:
    """The URL of a new, empty database on the session's server."""
    server = os.environ["DATABASE_URL"]
    name = f"service_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))
