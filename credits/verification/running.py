"""Runs checks: all in one snapshot, so that a ledger in use is judged as of one instant."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from credits.verification.check import Check, Violation


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found: a violation for each organization that breaks it, and how long it took."""

    check: Check
    violations: tuple[Violation, ...]
    seconds: float


@contextmanager
def snapshot() -> Iterator[None]:
    """A transaction that sees one instant of the ledger, changes nothing, and may take its time.

    No isolation level is trusted to decide a charge; reading is what this one is for.

    Raises:
        RuntimeError: inside a transaction, which has its snapshot already.
    """
    if connection.in_atomic_block:
        message = "A snapshot is a transaction of its own."
        raise RuntimeError(message)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        # Sums over whole tables: a hash of every key twice over fits where a sort would go to disk.
        cursor.execute("SET LOCAL work_mem = '128MB'")
        yield


def verify(
    checks: Sequence[Check],
    *,
    org_ids: Collection[UUID] | None = None,
    before: Callable[[Check], None] = lambda _check: None,
) -> Iterator[Result]:
    """Run checks one by one over all organizations or some, in the caller's transaction.

    Args:
        before: called with each check before it runs.
    """
    for check in checks:
        before(check)
        began = time.monotonic()
        violations = _violations(check, org_ids)
        yield Result(check, violations, time.monotonic() - began)


def counted_in_one_query(checks: Sequence[Check], *, org_id: UUID) -> dict[str, int]:
    """How many rows of one organization break each check, in one round trip; 0 everywhere is right."""
    parts = [
        f"SELECT '{check.name}', count(*) FROM ({check.query(scoped=True)}) AS row"  # noqa: S608 - our own
        " WHERE row.expected IS DISTINCT FROM row.found"
        for check in checks
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), {"orgs": [org_id]})
        return dict(cursor.fetchall())


def _violations(check: Check, org_ids: Collection[UUID] | None) -> tuple[Violation, ...]:
    sql = (
        "SELECT DISTINCT ON (org_id) org_id, row_id::text, expected::text, found::text,"  # noqa: S608 - our own
        " count(*) OVER (PARTITION BY org_id)"
        f" FROM ({check.query(scoped=org_ids is not None)}) AS row"
        " WHERE expected IS DISTINCT FROM found ORDER BY org_id, row_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, None if org_ids is None else {"orgs": list(org_ids)})
        return tuple(
            Violation(check.name, org_id, check.source, row_id, expected, found, rows)
            for org_id, row_id, expected, found, rows in cursor.fetchall()
        )
