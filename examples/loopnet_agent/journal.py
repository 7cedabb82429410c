"""The work journal: an SQLite file that says what is certain, whatever happened to the process that wrote it.

SQLite syncs every transaction to the disk before it goes on (``synchronous=FULL``), and a transaction is there wholly
or not at all. So the journal lags behind the world by one step at most, and that step is made so that it can be made
again: see `agent.py`.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from examples.loopnet_agent.units import Kind, State, Unit

BUSY_SECONDS = 30.0
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS run (
        name TEXT PRIMARY KEY, digest TEXT NOT NULL, org_id TEXT NOT NULL, user_id TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS unit (
        position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
        subject TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, request TEXT NOT NULL,
        usage_id TEXT, outcome TEXT NOT NULL
    ) STRICT""",
    # What the service said it has charged (or, below zero, given back), under the id that it was told.
    """CREATE TABLE IF NOT EXISTS charge (
        request_id TEXT PRIMARY KEY, unit TEXT NOT NULL REFERENCES unit (id), service TEXT NOT NULL,
        usage_id TEXT NOT NULL UNIQUE, credits INTEGER NOT NULL, created_at TEXT NOT NULL
    ) STRICT""",
)
ADD = (
    "INSERT INTO unit (id, kind, subject, state, attempt, request, usage_id, outcome) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
)
READ = (
    "SELECT id, kind, subject, state, attempt, request, usage_id, outcome FROM unit "
    "WHERE kind = coalesce(?, kind) ORDER BY position"
)
NOTE = "UPDATE unit SET state = ?, attempt = ?, request = ?, usage_id = ?, outcome = ? WHERE id = ?"
CHARGE = "INSERT INTO charge VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (request_id) DO NOTHING"


class WrongRun(Exception):
    """The folder belongs to another run: its name, its input, or who pays differs."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its name begins every key; the rest is what the name stands for, and never changes."""

    name: str
    digest: str
    org_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Charged:
    """A usage row of the service, as it was answered. ``credits`` is below zero for a refund."""

    request_id: str
    unit: str
    service: str
    usage_id: str
    credits: int
    created_at: str


class Journal:
    """The journal of one run. Its methods may be called from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        # Transactions are begun by hand: the module's own begin some statements too late.
        self._connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def begin(self, run: Run, units: Iterable[Unit]) -> None:
        """Note a new run and its units in one transaction; nothing when it is there already.

        Raises:
            WrongRun: another one is there.
        """
        with self._transaction() as db:
            for statement in SCHEMA:
                db.execute(statement)
            found = db.execute("SELECT name, digest, org_id, user_id FROM run").fetchone()
            if found is None:
                db.execute("INSERT INTO run VALUES (?, ?, ?, ?)", astuple(run))
                db.executemany(ADD, map(_written, units))
            elif Run(*found) != run:
                raise WrongRun(_difference(Run(*found), run))

    def note(
        self,
        unit: Unit,
        state: State,
        *,
        charged: Charged | None = None,
        follow_ups: Iterable[Unit] = (),
        **changes: Any,
    ) -> Unit:
        """Note that a unit has come to a state, with all that belongs to that, in one transaction.

        Args:
            charged: the usage row that brought it there.
            follow_ups: units that exist because of it.
            changes: other fields of the unit.

        Returns:
            The unit as it is now.
        """
        now = replace(unit, state=state, **changes)
        with self._transaction() as db:
            db.execute(NOTE, (*_written(now)[3:], now.id))
            if charged is not None:
                db.execute(CHARGE, astuple(charged))
            db.executemany(ADD, map(_written, follow_ups))
        return now

    def units(self, kind: Kind | None = None) -> list[Unit]:
        """The units of a kind, or all, in the order they were planned in."""
        with self._lock:
            rows = self._connection.execute(READ, (kind,)).fetchall()
        return [_read(row) for row in rows]

    def charges(self) -> list[Charged]:
        """What the service is known to have charged and given back."""
        with self._lock:
            rows = self._connection.execute("SELECT * FROM charge ORDER BY rowid").fetchall()
        return [Charged(*row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _written(unit: Unit) -> tuple[Any, ...]:
    return (
        unit.id,
        str(unit.kind),
        json.dumps(unit.subject),
        str(unit.state),
        unit.attempt,
        json.dumps(unit.request),
        unit.usage_id,
        json.dumps(unit.outcome),
    )


def _read(row: tuple[Any, ...]) -> Unit:
    name, kind, subject, state, attempt, request, usage_id, outcome = row
    return Unit(
        name,
        Kind(kind),
        json.loads(subject),
        State(state),
        attempt,
        json.loads(request),
        usage_id,
        json.loads(outcome),
    )


def _difference(there: Run, wanted: Run) -> str:
    if there.digest != wanted.digest:
        return f"This folder belongs to run {there.name} of another input. Choose another --output."
    if there.name != wanted.name:
        return (
            f"This folder belongs to run {there.name}, not {wanted.name}. Choose another --output."
        )
    return (
        f"Run {there.name} is paid by user {there.user_id} of organization {there.org_id}. "
        "Go on with them, or choose another --output."
    )
