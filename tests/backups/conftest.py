"""A database of its own for each test, copied from one in which a ledger has moved, and a folder for backups."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from psycopg import sql
from pytest_django.fixtures import Settings

from organizations.models import Organization, User
from orgbilling.backups import target
from tests.service import ROOT
from tests.verification.story import Story, tell


@pytest.fixture
def backup_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.BACKUP_DIR = str(tmp_path / "backups")
    return tmp_path / "backups"


@pytest.fixture
def story(transactional_db: None, alpha: Organization, alice: User, bob: User) -> Story:
    return tell(alpha, alice, bob)


@pytest.fixture
def database(story: Story, backup_dir: Path) -> Iterator[str]:
    """The name of the copy, which Django's connection leads to as long as the test lasts."""
    settings_dict = connections["default"].settings_dict
    original, copy = settings_dict["NAME"], f"copy_{secrets.token_hex(4)}"
    target.release()
    with target.connect(target.MAINTENANCE) as maintenance:
        maintenance.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(copy), sql.Identifier(original)
            )
        )
    settings_dict["NAME"] = copy
    try:
        yield copy
    finally:
        target.release()
        settings_dict["NAME"] = original
        for name in databases(copy):
            with target.connect(target.MAINTENANCE) as maintenance:
                maintenance.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                )


def databases(begin: str) -> list[str]:
    """The databases whose names begin so, sorted."""
    with target.connect(target.MAINTENANCE) as maintenance:
        rows = maintenance.execute("SELECT datname FROM pg_database ORDER BY datname").fetchall()
    return [str(name) for (name,) in rows if str(name).startswith(begin)]


def run(
    *arguments: str, backup_dir: Path, database: str, python: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """A command in a process of its own; `python` is done in it first."""
    script = (
        f"import sys, os, signal; sys.argv = ['manage.py', *{list(arguments)!r}]\n{python or ''}\n"
    )
    script += "from django.core.management import execute_from_command_line\n"
    script += "execute_from_command_line(sys.argv)"
    target.release()
    env = {
        **os.environ,
        "DATABASE_URL": target.url(database),
        "BACKUP_DIR": str(backup_dir),
        "DJANGO_SETTINGS_MODULE": "orgbilling.settings",
    }
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


#: Put in the place of a function: whoever calls it is killed.
KILLED = """
import django; django.setup()
from {module} import {name} as _real
import {module} as _module
_left = [{calls}]
def _killer(*args, **kwargs):
    if not _left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    _left[0] -= 1
    return _real(*args, **kwargs)
_module.{name} = _killer
"""


def killed_at(module: str, name: str, calls: int = 0) -> str:
    """Python that kills its process when a function is called, after so many calls that pass."""
    return KILLED.format(module=module, name=name, calls=calls)
