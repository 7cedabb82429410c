"""One run for one data folder, and the address where it serves."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orgbilling.supervisor.errors import AlreadyRunning, PortTaken

HOST = "127.0.0.1"


def address(port: int) -> str:
    """Returns the base URL of a run on that port."""
    return f"http://{HOST}:{port}"


@contextmanager
def only_run(home: Path, port: int) -> Iterator[None]:
    """Holds the data folder for this run; raises AlreadyRunning and touches nothing otherwise.

    The lock is the kernel's, so a killed run leaves none; the file's content only tells others
    whom to look for.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(home / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = json.loads(file.read() or '{"pid": 0, "url": "starting"}')
            raise AlreadyRunning(holder["pid"], holder["url"]) from None
        file.truncate()
        file.write(json.dumps({"pid": os.getpid(), "url": address(port)}))
        file.flush()
        yield
        file.truncate(0)


def check_port(port: int) -> None:
    """Raises PortTaken when something listens there, before anything has been started."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise PortTaken(port) from None
