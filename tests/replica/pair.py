"""A primary and a real streaming replica of it, made by pg_basebackup, as an operator would."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orgbilling.embedded.cluster import SUPERUSER, THROW_AWAY_SETTINGS
from orgbilling.embedded.rootless import identity
from orgbilling.embedded.server import NAME, Server
from tests.plugin_postgres import PREFIX


class Pair:
    """Two servers. The replica's can be stopped, frozen, held back and promoted."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.primary = Server(home / "a", THROW_AWAY_SETTINGS)
        self.replica = Server(home / "b", THROW_AWAY_SETTINGS)

    def start(self) -> None:
        """Start the primary, copy it, and start the copy as its replica."""
        self.primary.acquire()
        self.copy()
        self.replica.acquire()

    def copy(self) -> None:
        """Make the replica's data folder, anew if there is one."""
        target = self.replica.home / "pg"
        shutil.rmtree(target, ignore_errors=True)
        self.replica.home.mkdir(mode=0o700, exist_ok=True)
        user = identity()
        os.chown(self.replica.home, user.uid, -1)
        options = ["-D", str(target), "-h", str(self.primary.sockets), "-U", SUPERUSER]
        # The base backup with its log, and what makes a replica of it: standby.signal and primary_conninfo.
        command = [
            self.primary.cluster().binaries.tool("pg_basebackup"),
            *options,
            "--write-recovery-conf",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd="/", preexec_fn=user.become
        )
        assert done.returncode == 0, done.stderr

    def end(self) -> None:
        """Stop both, and remove what they wrote."""
        self.signal_replica(signal.SIGCONT)
        for server in (self.replica, self.primary):
            server.release()
        shutil.rmtree(self.home, ignore_errors=True)

    def environment(self, **more: str) -> dict[str, str]:
        """Of a program that serves with both."""
        kept = {name: value for name, value in os.environ.items() if "DATABASE" not in name}
        return {
            **kept,
            "DATABASE_URL": self.primary.url,
            "REPLICA_DATABASE_URL": self.replica.url,
            "REPLICA_MAX_LAG_SECONDS": "1",
            "DATA_DIR": str(self.home),
            "DJANGO_SETTINGS_MODULE": "orgbilling.settings",
            "ALLOWED_HOSTS": "testserver",
            "LOG_LEVEL": "WARNING",
            **{f"RATE_LIMIT_{name}": "" for name in ("WRITES", "READS", "SERVICE")},
            **more,
        }

    def tell_replica(self, statement: str) -> None:
        """Run a statement there as its administrator."""
        with self.replica.cluster().connect(NAME) as connection:
            connection.execute(statement)

    def stop_replica(self) -> None:
        """As a crash of its machine would."""
        self.replica.cluster().stop()

    def signal_replica(self, number: int) -> None:
        """Send every process of the replica a signal; SIGSTOP makes it silent."""
        first = self.replica.cluster().postmaster()
        if first is None:
            return
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for pid in [first, *map(int, children)]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


@contextmanager
def running() -> Iterator[Pair]:
    """A pair that is gone afterwards."""
    pair = Pair(Path(tempfile.mkdtemp(prefix=PREFIX + "pair-")))
    try:
        pair.start()
        yield pair
    finally:
        pair.end()
