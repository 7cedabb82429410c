"""Databases of the predecessor's, beside the service's on the tests' server, and imports from them."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orgbilling.importing.running import Options, Outcome, run
from orgbilling.importing.source import opened

HERE = Path(__file__).resolve().parent
A, B = "migration_files", "running_system"


def statements(name: str) -> str:
    return (HERE / f"{name}.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Predecessor:
    """A database with one variant of the predecessor's tables."""

    url: str

    def execute(self, text: str, args: Any = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(text, args)
            return cursor.fetchall() if cursor.description else []

    def import_(self, **options: Any) -> Outcome:
        with opened(self.url, "public") as source:
            return run(source, Options(**{"apply": True, **options}))


@contextmanager
def predecessor(variant: str) -> Iterator[Predecessor]:
    name = f"opscenter_{secrets.token_hex(4)}"
    server = conninfo_to_dict(os.environ["DATABASE_URL"])
    quoted = sql.Identifier(name)
    with psycopg.connect(
        make_conninfo(**{**server, "dbname": "postgres"}), autocommit=True
    ) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(quoted))
        try:
            found = Predecessor(make_conninfo(**{**server, "dbname": name}))
            found.execute(statements(variant))
            yield found
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(quoted))


@pytest.fixture
def migration_files() -> Iterator[Predecessor]:
    with predecessor(A) as found:
        yield found


@pytest.fixture
def running_system() -> Iterator[Predecessor]:
    with predecessor(B) as found:
        yield found


@pytest.fixture
def kinds() -> Callable[[Outcome], dict[str, int]]:
    """How many mends of each kind there were."""
    return lambda outcome: dict(outcome.mends.rows)
