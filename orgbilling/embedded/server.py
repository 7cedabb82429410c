"""The clone's own server, shared by all processes that use it: the first starts, the last stops.

`.data/pg.gate` is locked while anything starts or stops. `.data/pg.users` is locked, shared, by
each process that uses the server for as long as it lives; the kernel drops that lock with the
process, however it ends. Who finds nobody left there stops the server.
"""

import atexit
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orgbilling.embedded.binaries import find_binaries
from orgbilling.embedded.cluster import Cluster
from orgbilling.embedded.errors import EmbeddedError
from orgbilling.embedded.home import data_dir
from orgbilling.embedded.rootless import identity

NAME = "orgbilling"
# sun_path holds 107 bytes; the socket's own name takes the rest.
SOCKET_FOLDER_BYTES_MAX = 90


class Server:
    """The server whose data lies in one folder."""

    def __init__(self, home: Path, settings: dict[str, str] | None = None) -> None:
        self.home = home
        self.sockets = socket_folder(home)
        self.settings = settings or {}
        self._users: int | None = None
        self._pid = os.getpid()

    @property
    def url(self) -> str:
        """The DATABASE_URL of the application's role."""
        return f"postgresql://{NAME}@/{NAME}?host={quote(str(self.sockets), safe='')}"

    def cluster(self) -> Cluster:
        """The server's cluster; raises EmbeddedError without usable programs."""
        return Cluster(
            data=self.home / "pg",
            sockets=self.sockets,
            log=self.home / "logs" / "postgresql.log",
            binaries=find_binaries(),
            identity=identity(),
            settings=self.settings,
        )

    def acquire(self) -> None:
        """Becomes a user of the server, which starts unless it runs; raises EmbeddedError."""
        if self._users is not None and self._pid == os.getpid():
            return
        cluster = self.cluster()
        with self._gate():
            users = os.open(self.home / "pg.users", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                cluster.create()
                cluster.start()
                cluster.provide(NAME)
            except BaseException:
                os.close(users)
                raise
            self._users, self._pid = users, os.getpid()

    def revive(self) -> None:
        """Starts the server again if it was killed under its users; raises EmbeddedError."""
        with self._gate():
            self.cluster().start()

    def release(self) -> bool:
        """Stops being a user; the last one stops the server. Returns whether it was stopped."""
        if self._users is None or self._pid != os.getpid():
            return False
        os.close(self._users)
        self._users = None
        return self.stop_unused()

    def stop_unused(self) -> bool:
        """Stops the server unless some process uses it. Returns whether nobody did."""
        with self._gate():
            users = os.open(self.home / "pg.users", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.cluster().stop()
            except BlockingIOError:
                return False
            finally:
                os.close(users)
        return True

    @contextmanager
    def _gate(self) -> Iterator[None]:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        gate = os.open(self.home / "pg.gate", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield
        finally:
            os.close(gate)


def socket_folder(home: Path) -> Path:
    """Returns the folder for the server's socket: beside the data, or below /tmp if that is long.

    Raises EmbeddedError when someone else made that folder below /tmp.
    """
    beside = home / "pg.socket"
    if len(os.fsencode(beside)) <= SOCKET_FOLDER_BYTES_MAX and not set(str(beside)) & set(",'\"\\"):
        return beside
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    folder = Path(f"/tmp/orgbilling-{os.getuid()}-{mark}")  # noqa: S108 - checked below
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    if not ours or found.st_uid not in {os.getuid(), identity().uid}:
        raise EmbeddedError(f"{folder} is not ours: remove it, or set DATABASE_URL.")
    return folder


@cache
def _server(home: Path) -> Server:
    server = Server(home)
    atexit.register(server.release)
    return server


def ensure_running(home: Path) -> Server:
    """Returns the folder's server, running until this process ends; raises EmbeddedError."""
    server = _server(home)
    server.acquire()
    return server


def database_settings(base_dir: Path) -> dict[str, Any]:
    """Returns the DATABASES entry of the clone's own server; it starts at the first connection."""
    home = data_dir(base_dir)
    return {
        "ENGINE": "orgbilling.embedded",
        "NAME": NAME,
        "USER": NAME,
        "PASSWORD": "",
        "HOST": str(socket_folder(home)),
        "PORT": "",
        "OPTIONS": {},
        "EMBEDDED_HOME": home,
    }
