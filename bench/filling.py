"""Believable usage, fast: a month of charges, few large organizations and many small ones, more by day than by night.

The guards of the tables are lifted for it, which only a superuser can, in the bench's own cluster. The equations of
the ledger hold all the same: `manage.py verify_ledger` is asked at the end of every run.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from bench import cast
from bench.plan import Plan

CHUNK_ROWS: Final = 100_000
SEED: Final = 0.42


def fill(connection: psycopg.Connection[Any], plan: Plan, rows: int) -> None:
    """Add so many usage rows, oldest first, the same ones every time; then leave the tables as a calm day finds them.

    Args:
        connection: a superuser's, in autocommit.
    """
    (statement,) = cast.statements("usage.sql")
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET synchronous_commit = off")
    connection.execute("SET work_mem = '64MB'")
    connection.execute("SELECT setseed(%s)", [SEED])
    for first in range(0, rows, CHUNK_ROWS):
        values = {
            "first": first,
            "last": min(first + CHUNK_ROWS, rows) - 1,
            "rows": rows,
            "organizations": plan.organizations,
            "users": plan.users,
            "crowd": cast.members_of(plan, 0),
            "days": cast.DAYS,
            "actor": cast.ACTOR,
        }
        connection.execute(statement, values)
    settle(connection)


def settle(connection: psycopg.Connection[Any]) -> None:
    """Vacuum and write everything out, so that no measurement pays for what was loaded."""
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")
