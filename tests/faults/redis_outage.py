"""A Redis for the counters that is killed and comes back, empty."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket

from orgbilling.supervisor.instance import HOST
from orgbilling.supervisor.programs import Child, Program
from tests.faults.stage import Killed, free_port, killed

PROGRAMS = ("redis-server", "valkey-server")
STARTED_WITHIN_SECONDS = 30
POLL_SECONDS = 0.02


class Redis:
    """It keeps everything in memory, as counters need no more."""

    def __init__(self, home: Path) -> None:
        self._home, self._port = home, free_port()
        self.url = f"redis://{HOST}:{self._port}/0"
        self._child: Child | None = None

    def start(self) -> None:
        """Start it on the same port as before; return once it listens."""
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        if program is None:
            raise RuntimeError("There is no redis-server and no valkey-server to start.")
        command = [program, "--port", str(self._port), "--bind", HOST, "--save", ""]
        log = self._home / "logs" / "redis.log"
        self._child = Child(Program("redis", command), log, dict(os.environ), self._home)
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        while not self._listens():
            self._child.check()
            if time.monotonic() > deadline:
                raise TimeoutError(log.read_text(encoding="utf-8"))
            time.sleep(POLL_SECONDS)

    def kill(self) -> Killed:
        """Kill it with -9."""
        pids = [] if self._child is None else [self._child.pid]
        return killed("redis", pids, pids)

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self._child is not None:
            self._child.stop()

    def _listens(self) -> bool:
        with closing(socket()) as probe:
            return probe.connect_ex((HOST, self._port)) == 0


@contextmanager
def running(home: Path) -> Iterator[Redis]:
    """A server that has ended afterwards."""
    server = Redis(home)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def gone(server: Redis) -> Iterator[None]:
    """It is killed, and started again at the end."""
    server.kill().await_end()
    try:
        yield
    finally:
        server.stop()
        server.start()
