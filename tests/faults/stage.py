"""The service as `make run` starts it, on a data folder that is thrown away, and the means to kill it."""

import http.client
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orgbilling.embedded.process import alive
from orgbilling.embedded.server import Server
from orgbilling.supervisor.instance import HOST
from orgbilling.supervisor.programs import Child, Program
from tests.faults.calls import Cast, Member
from tests.plugin_postgres import PREFIX

ROOT = Path(__file__).resolve().parent.parent.parent
READY_WITHIN_SECONDS = 120
GONE_WITHIN_SECONDS = 20
POLL_SECONDS = 0.05
GRANIAN = b"granian"
# Far more than is spent.
POOL_CREDITS = 10**13
ALLOCATED_CREDITS = 10**10
# Counted, as in production, but never reached.
RATE = "100000000/m"


class Stage:
    """A running service with PostgreSQL, members with credits, and a key that may do everything."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = Server(home)
        self.port = free_port()
        # Settings of a test session are none of the service's.
        own = {"DATABASE_URL", "DATABASE_URL_FILE", "REQUEST_WAIT_MS"}
        self.env = {name: value for name, value in os.environ.items() if name not in own}
        self.env |= {"DATA_DIR": str(home), "PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        self.env |= {f"RATE_LIMIT_{name}": RATE for name in ("WRITES", "READS", "SERVICE")}
        # A Child ends with this process, and it ends its own children when it is asked to end.
        program = Program("run", [sys.executable, "-m", "orgbilling.supervisor"])
        self.run = Child(program, home / "logs" / "run.log", self.env, ROOT)

    def await_ready(self, port: int, child: Child) -> None:
        """Return once the service on that port can serve."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not answers(port):
            child.check()
            if time.monotonic() > deadline:
                raise TimeoutError(child.log.read_text(encoding="utf-8"))
            time.sleep(POLL_SECONDS)

    def fill(self) -> tuple[str, Cast]:
        """Give everybody in the demo more than they can spend; the key, and who they are."""
        demo = json.loads((self.home / "demo.json").read_text(encoding="utf-8"))
        token = next(key["key"] for key in demo["api_keys"] if key["org_id"] is None)
        # The last organization is the larger one: its first member is the hot one.
        users = list(reversed(demo["users"]))
        cast = Cast(tuple(Member(user["org_id"], user["id"]) for user in users))
        for org_id in cast.org_ids:
            self._post(token, f"credits/{org_id}/add", {"credits": POOL_CREDITS})
        for member in cast.members:
            body = {"user_id": member.user_id, "credits": ALLOCATED_CREDITS}
            self._post(token, f"credits/{member.org_id}/allocate", body)
        return token, cast

    def _post(self, token: str, path: str, body: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with closing(http.client.HTTPConnection(HOST, self.port, timeout=30)) as connection:
            connection.request("POST", f"/api/v1/org-billing/{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            if answer.status not in {http.client.OK, http.client.CREATED}:
                raise RuntimeError(f"POST {path}: {answer.status} {answer.read()!r}")

    def ended(self) -> bool:
        """Whether the service has given up; PostgreSQL is there for the evidence all the same."""
        if self.run.ended:
            self.server.acquire()
        return self.run.ended

    def kill_postgresql(self) -> "Killed":
        """Kill the postmaster and all that works for it."""
        pids = self.postgresql()
        return killed("postmaster and backends", pids, pids)

    def postgresql(self) -> list[int]:
        """The postmaster and all that works for it."""
        postmaster = self.server.cluster().postmaster()
        return [] if postmaster is None else [postmaster, *children(postmaster)]

    def kill_worker(self) -> "Killed":
        """Kill one of the processes that answer requests."""
        pids = self.workers()[:1]
        return killed("one worker", pids, pids)

    def kill_workers(self) -> "Killed":
        """Kill all of them at once."""
        pids = self.workers()
        return killed("all workers", pids, pids)

    def kill_master(self) -> "Killed":
        """Kill the process that starts them; they outlive it until it is missed."""
        pids = self.masters()
        return killed("master", pids, [*pids, *self.workers()])

    def masters(self) -> list[int]:
        """The web server's first process."""
        return [pid for pid in children(self.run.pid) if GRANIAN in command_of(pid)]

    def workers(self) -> list[int]:
        """The processes that answer requests."""
        found = [pid for master in self.masters() for pid in children(master)]
        return [pid for pid in found if GRANIAN in command_of(pid)]

    def close(self) -> None:
        """End everything, whatever state it is in."""
        self.run.stop()
        self.server.release()
        self.server.stop_unused()


@contextmanager
def staged(disk: Callable[[Path], AbstractContextManager[object]] = nullcontext) -> Iterator[Stage]:
    """A stage that is gone afterwards; what a killed run leaves on the disk, a later test session removes.

    Args:
        disk: is given the data folder before anything is started there, and ends after all has ended.
    """
    home = Path(tempfile.mkdtemp(prefix=PREFIX + "faults-"))
    try:
        with disk(home):
            stage = Stage(home)
            try:
                stage.await_ready(stage.port, stage.run)
                yield stage
            finally:
                stage.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether the service says that it can serve."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=5)) as connection:
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


@dataclass(frozen=True)
class Killed:
    """What was killed, and the processes whose end has to be seen before a success counts."""

    name: str
    affected: list[int]

    def await_end(self) -> None:
        """Return once none of them runs any more."""
        deadline = time.monotonic() + GONE_WITHIN_SECONDS
        while any(alive(pid) for pid in self.affected) and time.monotonic() < deadline:
            time.sleep(0.005)


def killed(name: str, victims: list[int], affected: list[int]) -> Killed:
    """Kill processes with -9; raises RuntimeError when there are none, for then nothing was tested."""
    if not victims:
        raise RuntimeError(f"There is no {name} to kill.")
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return Killed(name, affected)


def children(pid: int) -> list[int]:
    """The processes that another one started (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            text = stat.read_text(encoding="utf-8", errors="replace")
            if int(text.rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def command_of(pid: int) -> bytes:
    """The command line of a process, empty when it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
