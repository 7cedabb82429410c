"""One PostgreSQL cluster in a folder: made once, started, asked, stopped. Unix socket only."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from orgbilling.embedded.binaries import Binaries
from orgbilling.embedded.errors import NotAnswering, OtherVersion, ToolFailed
from orgbilling.embedded.process import at_work_in, may_serve, taken
from orgbilling.embedded.rootless import Identity

SUPERUSER = "postgres"
# Long enough for recovery after a crash; an ordinary start takes well under a second.
START_TIMEOUT_SECONDS = 120
STOP_TIMEOUT_SECONDS = 60
POLL_SECONDS = 0.02

BASE_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u ",
}
# Data of a test is worth nothing after a crash.
THROW_AWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "1h",
    "max_wal_size": "2GB",
}


@dataclass(frozen=True)
class Cluster:
    """A cluster's folders and settings. Callers serialize create, start and stop (server.py)."""

    data: Path
    sockets: Path
    log: Path
    binaries: Binaries
    identity: Identity
    settings: Mapping[str, str] = field(default_factory=dict)

    def create(self) -> None:
        """Makes the data folder unless it exists; raises OtherVersion, ToolFailed.

        It is built beside its place and renamed, so that a killed initdb leaves nothing half done.
        """
        if self.data.exists():
            found = int((self.data / "PG_VERSION").read_text(encoding="ascii"))
            if found != self.binaries.version:
                raise OtherVersion(self.data, found, self.binaries.version)
            return
        draft = self.data.with_name(self.data.name + ".init")
        shutil.rmtree(draft, ignore_errors=True)
        self._folder(draft)
        self._run("initdb", "-D", str(draft), *self._initdb_options())
        with (draft / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\ninclude 'app.conf'\n")
        draft.rename(self.data)

    def start(self) -> None:
        """Starts the server unless it answers; raises ToolFailed, NotAnswering."""
        if self.answers():
            return
        self._await_end_or_answer()
        if self.answers():
            return
        self._clear_leftovers()
        self._folder(self.sockets)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.touch()
        os.chown(self.log, self.identity.uid, -1)
        self._own(self.data)
        conf = {**BASE_SETTINGS, "unix_socket_directories": str(self.sockets), **self.settings}
        lines = [f"{name} = '{value}'\n" for name, value in conf.items()]
        self._configure("".join(lines))
        wait = ["-w", "-t", str(START_TIMEOUT_SECONDS), "-l", str(self.log), "-s"]
        self._run("pg_ctl", "start", "-D", str(self.data), *wait)

    def _configure(self, conf: str) -> None:
        """Writes app.conf unless it says so already: on a full disk the old one would be lost."""
        path = self.data / "app.conf"
        if not path.exists() or path.read_text(encoding="utf-8") != conf:
            path.write_text(conf, encoding="utf-8")

    def stop(self) -> None:
        """Stops the server: open transactions are rolled back, data is written out."""
        for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            pid = self.postmaster()
            if pid is None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, order)
            if self._gone(pid, STOP_TIMEOUT_SECONDS):
                return

    def postmaster(self) -> int | None:
        """Returns the pid of the process that serves this folder, or None."""
        pid = _first_number(self.data / "postmaster.pid")
        return pid if pid is not None and may_serve(pid, self.data) else None

    def answers(self) -> bool:
        """Tells whether a new connection is accepted now."""
        if self.postmaster() is None:
            return False
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """Opens an autocommit connection as the superuser, for set-up only."""
        return psycopg.connect(
            host=str(self.sockets), user=SUPERUSER, dbname=database, autocommit=True
        )

    def provide(self, name: str) -> None:
        """Makes the role and its database of that name unless they exist.

        The role is no superuser: a superuser could read files and run programs on this machine.
        """
        owned = sql.Identifier(name)
        with self.connect() as connection:
            role = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
            if role.fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER CREATEDB").format(
                        sql.Identifier(name)
                    )
                )
            database = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if database.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(owned))

    def _initdb_options(self) -> list[str]:
        options = ["-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--data-checksums"]
        if self.binaries.version >= 17:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        else:
            options += ["--locale=C.UTF-8"]
        if self.settings.get("fsync") == "off":
            options.append("--no-sync")
        return options

    def _await_end_or_answer(self) -> None:
        """Waits for a postmaster that is starting or stopping; raises NotAnswering."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while (pid := self.postmaster()) is not None and not self.answers():
            if time.monotonic() > deadline:
                raise NotAnswering(pid, self.log)
            time.sleep(POLL_SECONDS)

    def _clear_leftovers(self) -> None:
        """Removes the lock files of a killed server, once nothing of it lives; raises NotAnswering.

        Only where its number is in use again, or still by its zombie: otherwise PostgreSQL itself
        does it.
        """
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while survivors := at_work_in(self.data):
            if time.monotonic() > deadline:
                raise NotAnswering(survivors[0], self.log)
            time.sleep(POLL_SECONDS)
        for leftover in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
            pid = _first_number(leftover)
            if pid is not None and taken(pid) and not may_serve(pid, self.data):
                leftover.unlink()

    def _gone(self, pid: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while may_serve(pid, self.data):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _folder(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own(path)

    def _own(self, path: Path) -> None:
        """Gives a tree to who runs the server, where root was someone else the last time."""
        if path.stat().st_uid == self.identity.uid:
            return
        os.chown(path, self.identity.uid, -1)
        for folder, folders, files in os.walk(path):
            for name in folders + files:
                os.chown(Path(folder, name), self.identity.uid, -1, follow_symlinks=False)

    def _run(self, tool: str, *arguments: str) -> None:
        command = [self.binaries.tool(tool), *arguments]
        # Only what the programs need: no PG* variable of the caller, messages in English.
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        done = subprocess.run(
            command,
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=self.identity.become,
        )
        if done.returncode != 0:
            raise ToolFailed(
                tool, done.stderr + done.stdout, self.log if tool == "pg_ctl" else None
            )


def _first_number(file: Path) -> int | None:
    """Returns the pid in a lock file's first line; single-user mode writes it negative."""
    try:
        return abs(int(file.read_text(encoding="utf-8").split("\n", 1)[0]))
    except (OSError, ValueError):
        return None
