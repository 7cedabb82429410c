"""A Redis of the tests' own, where the program is installed; CI installs it."""

import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from orgbilling.supervisor.instance import HOST
from orgbilling.supervisor.programs import Child, Program

STARTED_WITHIN_SECONDS = 30
POLL_SECONDS = 0.02
PROGRAMS = ("redis-server", "valkey-server")


def is_expected() -> bool:
    """Whether tests with Redis are run: where it is installed, and in CI, which fails without it."""
    return bool(os.environ.get("CI")) or any(map(shutil.which, PROGRAMS))


class RedisServer:
    """A server that keeps everything in memory and ends with the process that started it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self._port = int(probe.getsockname()[1])
        self.start()

    @property
    def url(self) -> str:
        """What `REDIS_URL` takes."""
        return f"redis://{HOST}:{self._port}/0"

    def start(self) -> None:
        """Start it, empty, on the same port as before; return once it listens."""
        program = next(filter(None, map(shutil.which, PROGRAMS)))
        command = [program, "--port", str(self._port), "--bind", HOST, "--save", ""]
        command += ["--appendonly", "no", "--dir", str(self._home)]
        log = self._home / "redis.log"
        self.child = Child(Program("redis", command), log, dict(os.environ), self._home)
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        while not self._listens():
            self.child.check()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(POLL_SECONDS)

    def _listens(self) -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex((HOST, self._port)) == 0


@contextmanager
def running_redis(home: Path) -> Iterator[RedisServer]:
    """A server that is stopped at the end."""
    server = RedisServer(home)
    try:
        yield server
    finally:
        server.child.stop()
