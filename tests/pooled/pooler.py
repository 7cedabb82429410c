"""A real PgBouncer in transaction mode, with the file that is deployed."""

import configparser
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orgbilling.embedded.rootless import identity
from orgbilling.embedded.server import NAME, Server
from orgbilling.management.commands.create_roles import session_settings
from orgbilling.supervisor.instance import HOST
from orgbilling.supervisor.programs import PR_SET_PDEATHSIG

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOYED = ROOT / "deploy" / "pgbouncer" / "pgbouncer.ini"
STARTED_WITHIN_SECONDS = 20
#: Connections to PostgreSQL for each user and database: few, so that they are shared.
CONNECTIONS = 3


class Pooler:
    """PgBouncer for every database of a server; it can be killed, and started again on the same port.

    Args:
        program: where PgBouncer is.
        folder: for its files; made if it is missing.
        sockets: the folder of the server's socket.
        role: the only one that gets in, without a password.
        connections: to PostgreSQL, for each database.
    """

    def __init__(
        self, program: str, folder: Path, sockets: Path, role: str, connections: int = CONNECTIONS
    ) -> None:
        folder.mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = int(probe.getsockname()[1])
        self._role, self._log = role, folder / "log"
        self._command = [program, str(folder / "pgbouncer.ini")]
        users = folder / "users"
        changed = {
            "listen_addr": HOST,
            "listen_port": str(self.port),
            "auth_type": "trust",
            "auth_file": str(users),
            "logfile": str(self._log),
            # It would find the file of one that was killed.
            "pidfile": "",
            "default_pool_size": str(connections),
        }
        _write(folder / "pgbouncer.ini", sockets, changed)
        users.write_text(f'"{role}" ""\n')
        # It refuses to run as root, and PostgreSQL's socket is for whoever runs PostgreSQL.
        self._user = identity()
        for path in (folder, folder / "pgbouncer.ini", users):
            os.chown(path, self._user.uid, -1)
        self.start()

    def url(self, database: str) -> str:
        """What `DATABASE_URL` takes."""
        return f"postgresql://{self._role}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start it; return once it listens."""
        self._process = subprocess.Popen(
            self._command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=self._begin,  # noqa: PLW1509 - it starts no thread and takes no lock
        )
        self._await()

    def _begin(self) -> None:
        """Become who runs PostgreSQL, and end with whoever started it, also when that is killed."""
        if self._user.become is not None:
            self._user.become()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def kill(self) -> None:
        """As kill -9 does; return once it is gone."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Let it end, at once."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def _await(self) -> None:
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        while True:
            try:
                socket.create_connection((HOST, self.port), 1).close()
            except OSError:
                said = self._log.read_text() if self._log.exists() else ""
                assert self._process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.02)
            else:
                return


@contextmanager
def pooling(
    program: str, folder: Path, sockets: Path, role: str, connections: int = CONNECTIONS
) -> Iterator[Pooler]:
    """A pooler that is gone afterwards."""
    pooler = Pooler(program, folder, sockets, role, connections)
    try:
        yield pooler
    finally:
        pooler.stop()


def settle(server: Server) -> None:
    """Give the role what create_roles gives it where a pooler lets no session ask; in every database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgbilling.settings")
    with server.cluster().connect() as connection:
        for name, value in session_settings().items():
            connection.execute(f"ALTER ROLE {NAME} SET {name} = '{value}'")


def _write(file: Path, sockets: Path, changed: dict[str, str]) -> None:
    """The configuration that is deployed, but for where things are and whom it trusts."""
    deployed = configparser.ConfigParser(comment_prefixes=(";",), interpolation=None)
    deployed.read(DEPLOYED)
    deployed["databases"] = {"*": f"host={sockets}"}
    deployed["pgbouncer"].update(changed)
    with file.open("w", encoding="utf-8") as output:
        deployed.write(output)
