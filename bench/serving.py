"""Web servers under measurement: the service as production starts it, and the peers' applications."""

from __future__ import annotations

import http.client
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from bench import environment
from bench.ground import Ground
from bench.programs import ROOT
from bench.requests import HOST
from orgbilling.supervisor.programs import Child, Program, programs

LOOPBACK: Final = "127.0.0.1"
READY_WITHIN_SECONDS: Final = 90
#: Counted, as in production, and never reached.
RATE: Final = "1000000000/m"
#: Callers are patient: on a busy machine 32 batches of 1,000 at once outlast what the service lets anybody wait.
PATIENCE: Final = {"REQUEST_WAIT_MS": "60000", "DB_SILENCE_MS": "30000"}


def production(ground: Ground, database: str) -> dict[str, str]:
    """The environment of a service behind a proxy on this machine, as docs/deployment.md describes it."""
    return ground.env(
        database,
        PRODUCTION="true",
        SECRET_KEY=secrets.token_urlsafe(50),
        PUBLIC_URL=f"https://{HOST}",
        ALLOWED_HOSTS=f"{HOST},{LOOPBACK}",
        TRUSTED_PROXIES=LOOPBACK,
        INVOICE_SELLER_NAME="Bench",
        INVOICE_SELLER_ADDRESS="1 Bench Road\\nBenchtown",
        RATE_LIMIT_WRITES=RATE,
        RATE_LIMIT_READS=RATE,
        RATE_LIMIT_SERVICE=RATE,
        **PATIENCE,
    )


@contextmanager
def service(ground: Ground, database: str, name: str = "own", **settings: str) -> Iterator[int]:
    """The service on a free port, which is yielded; other settings than production's make a variant of it."""
    port = free_port()
    command = programs(port)[0].command
    command[command.index("--workers") + 1] = str(ground.plan.workers)
    home = str(ground.folder / f"{name}-data")
    env = {**production(ground, database), "DATA_DIR": home, **settings}
    with _serving(ground, name, command, env, port, "/ready"):
        yield port


@contextmanager
def application(ground: Ground, name: str, database: str) -> Iterator[int]:
    """A peer's application below `bench/peers/`, on uvicorn with as many processes as ours."""
    port = free_port()
    command = [str(environment.prepare()), "-m", "uvicorn", f"bench.peers.{name}.app:app"]
    command += ["--host", LOOPBACK, "--port", str(port), "--workers", str(ground.plan.workers)]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    command += ["--log-level", "warning"]
    env = ground.env(database)
    with _serving(ground, name, command, env, port, "/health"):
        yield port


@contextmanager
def _serving(
    ground: Ground, name: str, command: list[str], env: dict[str, str], port: int, ready: str
) -> Iterator[None]:
    log = ground.folder / "logs" / f"{name}.log"
    child = Child(Program(name, command), log, env, ROOT)
    try:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not _answers(port, ready):
            child.check()
            if time.monotonic() > deadline:
                raise TimeoutError(log.read_text(encoding="utf-8", errors="replace")[-2000:])
            time.sleep(0.05)
        yield
    finally:
        child.stop()


def _answers(port: int, path: str) -> bool:
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=5)) as connection:
        try:
            connection.request("GET", path, headers={"X-Forwarded-Proto": "https"})
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
