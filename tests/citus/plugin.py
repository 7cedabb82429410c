"""Every test database is spread over the cluster before the first test.

What can't hold there is in ``exempt.py``, each with its reason, which the run prints.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.db import connections
from django.db.backends.postgresql.creation import DatabaseCreation

from orgbilling.distribution.distributing import distribute
from tests.citus.exempt import EXEMPT
from tests.citus.nodes import Cluster

#: Few: each test that commits empties all of them.
SHARDS = 4

left_out = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    """Take over from Django how a test database is made and dropped."""
    cluster = Cluster(os.environ["CITUS_DATABASE_URL"])
    making: Any = DatabaseCreation
    make, migrate = making._create_test_db, making.create_test_db

    def make_everywhere(self: Any, *args: Any, **options: Any) -> Any:
        name = make(self, *args, **options)
        cluster.adopt(name)
        return name

    def migrate_and_distribute(self: Any, *args: Any, **options: Any) -> Any:
        name = migrate(self, *args, **options)
        distribute(connections[self.connection.alias], shards=SHARDS, say=lambda _line: None)
        return name

    def drop_everywhere(self: Any, name: str, verbosity: int) -> None:
        self.connection.close_pool()
        cluster.drop(name)

    making._create_test_db = make_everywhere
    making.create_test_db = migrate_and_distribute
    making._destroy_test_db = drop_everywhere


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what can't hold on a cluster."""
    counted: dict[str, int] = {}
    kept = []
    for item in items:
        named = next((name for name in EXEMPT if item.nodeid.startswith(name)), None)
        if named is None:
            kept.append(item)
        else:
            counted[named] = counted.get(named, 0) + 1
    items[:] = kept
    config.stash[left_out] = counted


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left out, and why."""
    counted = config.stash.get(left_out, {})
    for name, reason in EXEMPT.items():
        if name in counted:
            terminalreporter.write_line(f"not on Citus: {name} ({counted[name]}): {reason}")
