"""The bench's own PostgreSQL and its databases; nothing of the clone's `.data/` is touched."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from bench import cast, filling
from bench.plan import Plan
from bench.programs import ROOT, ProgramFailed, end, own_module, start
from bench.telling import step
from orgbilling.embedded.server import NAME, Server
from orgbilling.supervisor.programs import run_step

PREFIX: Final = "run-"
FOLDER: Final = ROOT / "build" / "bench"
#: A folder younger than this may belong to a run that is only just starting.
ABANDONED_AFTER_SECONDS: Final = 300
#: What a commit means in every row: it is on the disk.
DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
SETTINGS: Final = {
    **DURABLE,
    "max_connections": "200",
    # A measurement of seconds shows no checkpoint of its neighbour's.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
}
TEMPLATE: Final = "cast"
PEERS: Final = "peers"


class Ground:
    """A running server, and databases that are made when they are first asked for."""

    def __init__(self, plan: Plan, folder: Path, server: Server) -> None:
        self.plan, self.folder, self.server = plan, folder, server
        self.key = ""
        self.password = secrets.token_urlsafe(24)
        self._made: set[str] = set()
        self._require_password()

    def url(self, database: str) -> str:
        """The DATABASE_URL of the service's role, who is no superuser and has a password."""
        parts = urlsplit(self.server.url)
        netloc = parts.netloc.replace("@", f":{self.password}@")
        return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))

    @property
    def socket(self) -> str:
        """The folder of the server's socket."""
        return str(self.server.sockets)

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """An autocommit connection of the service's role."""
        return psycopg.connect(self.url(database), autocommit=True)

    def superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """An autocommit connection that may lift guards; only sets up."""
        return psycopg.connect(host=self.socket, user="postgres", dbname=database, autocommit=True)

    @property
    def version(self) -> int:
        """The server's major version."""
        return self.server.cluster().binaries.version

    def env(self, database: str, **settings: str) -> dict[str, str]:
        """The environment of a program of the service: nothing of the caller's own settings."""
        kept = ("PATH", "HOME", "LANG", "LC_ALL", "PG_BINDIR", "LD_LIBRARY_PATH")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "DJANGO_SETTINGS_MODULE": "orgbilling.settings",
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": self.url(database),
            "DATA_DIR": str(self.folder / "data"),
            **settings,
        }

    def manage(self, database: str, *arguments: str, **settings: str) -> None:
        """Run a command of manage.py.

        Raises:
            StepFailed: with the end of what it printed.
        """
        log = self.folder / "logs" / "manage.log"
        run_step(list(arguments), log, self.env(database, **settings), ROOT)

    def ledger(self, name: str, rows: int) -> str:
        """A database under the real schema with the cast and so many usage rows; made at the first call."""
        if name in self._made:
            return name
        self._template()
        with self.superuser() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(TEMPLATE), sql.Identifier(NAME)
                )
            )
        with self.superuser(name) as connection, step(f"{name} with {rows:,} usage rows"):
            filling.fill(connection, self.plan, rows)
        if rows:
            # As the worker does within minutes.
            with step(f"{name} summed up"):
                self.manage(name, "rollup")
            with self.superuser(name) as connection:
                filling.settle(connection)
        self._made.add(name)
        return name

    def own(self) -> str:
        """The ledger that is measured."""
        return self.ledger("own", self.plan.rows)

    def empty(self, name: str) -> bool:
        """Make an empty database unless it is there; returns whether it was made now."""
        if name in self._made:
            return False
        with self.superuser() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(NAME)
                )
            )
        self._made.add(name)
        return True

    @property
    def ledgers(self) -> set[str]:
        """The ledgers made so far."""
        return self._made - {TEMPLATE, PEERS}

    def _require_password(self) -> None:
        """Have the service's role prove who it is, as it does wherever the server isn't its own.

        Who connects anew for each request pays for that each time.
        """
        rules = self.server.cluster().data / "pg_hba.conf"
        # Written in place: the file stays its owner's.
        with rules.open("r+", encoding="utf-8") as file:
            rest = file.read()
            file.seek(0)
            file.write(f"local all {NAME} scram-sha-256\n{rest}")
        with self.superuser() as connection:
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(NAME), sql.Literal(self.password)
                )
            )
            connection.execute("SELECT pg_reload_conf()")

    def _template(self) -> None:
        if TEMPLATE in self._made:
            return
        self.empty(TEMPLATE)
        with step("the schema"):
            self.manage(TEMPLATE, "migrate", "--no-input")
        with self.connect(TEMPLATE) as connection, step("organizations and members"):
            self.key = cast.enter(connection, self.plan)
        with self.superuser(TEMPLATE) as connection:
            connection.execute("VACUUM (ANALYZE)")


@contextmanager
def ground(plan: Plan, parent: Path = FOLDER) -> Iterator[Ground]:
    """A server of its own below `parent`; it and all its data are gone afterwards.

    Raises:
        ProgramFailed: it can't be started; the message says why.
    """
    remove_abandoned(parent)
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    settings = {**SETTINGS, "shared_buffers": plan.shared_buffers}
    command = own_module("keeper", str(folder), json.dumps(settings))
    keeper = start(command)
    try:
        assert keeper.stdout is not None
        if not keeper.stdout.readline():
            assert keeper.stderr is not None
            raise ProgramFailed(command, "no PostgreSQL", keeper.stderr.read())
        yield Ground(plan, folder, Server(folder))
    finally:
        end(keeper, patience_seconds=120)
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(parent: Path) -> None:
    """Stop and remove what a run left whose keeper was killed too."""
    for folder in parent.glob(PREFIX + "*"):
        found = folder.stat()
        old = time.time() - found.st_mtime > ABANDONED_AFTER_SECONDS
        if old and found.st_uid == os.getuid() and Server(folder).stop_unused():
            shutil.rmtree(folder, ignore_errors=True)
