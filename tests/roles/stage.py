"""A PostgreSQL of its own, for roles belong to the whole server: an administrator, an owner, and those that serve."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from orgbilling.embedded.cluster import SUPERUSER, THROW_AWAY_SETTINGS
from orgbilling.embedded.server import NAME, Server
from orgbilling.supervisor.programs import run_step
from tests.plugin_postgres import PREFIX

ROOT = Path(__file__).resolve().parent.parent.parent
OWNER, APP, READONLY, BACKUP = "billing_owner", "billing_app", "billing_readonly", "billing_backup"
PASSWORDS = {
    f"DB_{role}_PASSWORD": f"{role}-pass-phrase" for role in ("OWNER", "APP", "READONLY", "BACKUP")
}
NAMES = ["--owner", OWNER, "--app", APP, "--readonly", READONLY, "--backup", BACKUP]


class Stage:
    """A server on which roles can be made, and its database."""

    def __init__(self, home: Path, settings: dict[str, str] | None = None) -> None:
        self.home = home
        self.server = Server(home, {**THROW_AWAY_SETTINGS, **(settings or {})})
        self.manage_log = home / "logs" / "manage.log"

    def url(self, role: str) -> str:
        """Leads to the database as that role; the socket trusts whoever can reach it."""
        return f"postgresql://{role}@/{NAME}?host={quote(str(self.server.sockets), safe='')}"

    def env(self, role: str, **more: str) -> dict[str, str]:
        """The environment of a program that connects as that role."""
        kept = {name: value for name, value in os.environ.items() if "DATABASE" not in name}
        rates = {f"RATE_LIMIT_{name}": "" for name in ("WRITES", "READS", "SERVICE")}
        return {
            **kept,
            **rates,
            "DATABASE_URL": self.url(role),
            "DATA_DIR": str(self.home),
            "DJANGO_SETTINGS_MODULE": "orgbilling.settings",
            # Django's test client calls itself that.
            "ALLOWED_HOSTS": "127.0.0.1,testserver",
            **more,
        }

    def manage(self, role: str, *arguments: str, **env: str) -> str:
        """Run a command as that role; raises StepFailed. Returns what all commands have said."""
        run_step(list(arguments), self.manage_log, self.env(role, **env), ROOT)
        return self.manage_log.read_text(encoding="utf-8")

    def run(self, role: str, *module: str, **env: str) -> str:
        """Run a module as that role, and return what it has printed."""
        done = subprocess.run(
            [sys.executable, "-m", *module],
            cwd=ROOT,
            env=self.env(role, **env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def connect(self, role: str) -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection as that role, as psql would have it."""
        return psycopg.connect(self.url(role), autocommit=True)


@contextmanager
def empty(*, open_to_all: bool = False) -> Iterator[Stage]:
    """A server with an empty database, whose socket is for this user or for all; gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix=PREFIX + "roles-"))
    stage = Stage(home, {"unix_socket_permissions": "0777"} if open_to_all else None)
    try:
        stage.server.acquire()
        if open_to_all:
            for folder in (home, stage.server.sockets):
                folder.chmod(0o755)
        yield stage
    finally:
        stage.server.release()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def separated() -> Iterator[Stage]:
    """A database whose roles are separated, installed as the runbook says, with work that is due."""
    with empty() as stage:
        stage.manage(SUPERUSER, "create_roles", *NAMES, **PASSWORDS)
        stage.run(OWNER, "tests.roles.walk", "install", *NAMES)
        yield stage
