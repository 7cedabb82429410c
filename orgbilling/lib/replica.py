"""Which reads may go to the read replica: those that a function marked ``from_replica`` makes, and no others.

Whoever forgets the mark reads the primary, which is never wrong. Inside a marked function nothing is written: a write
by a model raises, with or without a replica, so that tests find it. Decisions (charges, checks, holds, permissions,
who calls, limits, prices) are never marked; a test of the house holds the list of who is.

A marked function reads the replica only within a request that allows it (``orgbilling.web.replica``), while the
replica is near enough behind (``orgbilling.database.following``), and outside of transactions. It may be called twice:
when the replica fails half-way, the primary is asked. SQL of its own runs on
``connections[router.db_for_read(Model)]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

import psycopg_pool
import structlog
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections

from orgbilling.database.base import REPLICA
from orgbilling.database.following import FOLLOWER
from orgbilling.lib import sqlstate
from orgbilling.lib.metrics import counter

logger = structlog.stdlib.get_logger(__name__)
Given = ParamSpec("Given")
Found = TypeVar("Found")

READS = counter("replica_reads", "Reports that were read, by which server answered.", "server")

#: Of PostgreSQL, when what was read on a replica is taken away by what is replayed.
_CONFLICTS: Final = frozenset({"40001", "40P01"})


@dataclass(slots=True)
class Visit:
    """One request's leave to read the replica. `as_of`: the oldest moment that something was read of there."""

    as_of: datetime | None = None


_visit: ContextVar[Visit | None] = ContextVar("replica_visit", default=None)
#: The alias that a marked function reads at the moment; None outside of one.
_reading: ContextVar[str | None] = ContextVar("replica_reading", default=None)


class WriteInReport(RuntimeError):
    """A function that is marked as a mere read has written: take the write out, or the mark away."""


def from_replica(read: Callable[Given, Found]) -> Callable[Given, Found]:
    """Mark a function that only reads, and returns what it has read (no lazy query): a replica may answer it."""

    @wraps(read)
    def reading(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        if _reading.get() is not None:
            return read(*args, **kwargs)
        if _may_be_read():
            try:
                return _at_replica(read, *args, **kwargs)
            except (OperationalError, InterfaceError, psycopg_pool.PoolTimeout) as error:
                if not _is_its_fault(error):
                    raise
                FOLLOWER.set_aside()
                connections[REPLICA].close()
                READS.labels("failed").inc()
                logger.warning("replica.read_failed", sqlstate=sqlstate.of(error))
        with _from(DEFAULT_DB_ALIAS):
            return read(*args, **kwargs)

    return reading


def kept(read: Callable[Given, Found]) -> Callable[Given, Found]:
    """The marked function with this request's leave, for what goes on reading once the request has been left."""
    visit = _visit.get()

    @wraps(read)
    def later(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        token = _visit.set(visit)
        try:
            return read(*args, **kwargs)
        finally:
            _visit.reset(token)

    return later


@contextmanager
def visit() -> Iterator[Visit]:
    """Let marked functions read the replica meanwhile."""
    token = _visit.set(made := Visit())
    try:
        yield made
    finally:
        _visit.reset(token)


def as_of() -> datetime | None:
    """The moment that this request's answer is of, when some of it came from the replica."""
    current = _visit.get()
    return current.as_of if current is not None else None


class Router:
    """Django's question which database to ask, answered by the mark alone.

    Never by where an object came from: what was read of the replica is saved to the primary.
    """

    def db_for_read(self, _model: Any, **_hints: Any) -> str:
        """The replica inside a marked function that reads it."""
        return _reading.get() or DEFAULT_DB_ALIAS

    def db_for_write(self, model: Any, **_hints: Any) -> str:
        """The primary. Raises WriteInReport inside a marked function."""
        if _reading.get() is not None:
            message = (
                f"{model.__name__} was to be written or locked inside a function that only reads."
            )
            raise WriteInReport(message)
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *_objects: Any, **_hints: Any) -> bool:
        """All are rows of one database, wherever they were read."""
        return True

    def allow_migrate(self, db: str, *_args: Any, **_hints: Any) -> bool:
        """Of the primary alone: the replica has what it has, and the counters' connections lead to it, too."""
        return db == DEFAULT_DB_ALIAS


def _may_be_read() -> bool:
    return (
        _visit.get() is not None
        and FOLLOWER.usable
        # What a transaction has written is nowhere else.
        and not connections[DEFAULT_DB_ALIAS].in_atomic_block
    )


def _at_replica(read: Callable[Given, Found], *args: Given.args, **kwargs: Given.kwargs) -> Found:
    measured = FOLLOWER.measured
    with _from(REPLICA):
        found = read(*args, **kwargs)
    READS.labels(REPLICA).inc()
    current = _visit.get()
    if current is not None and measured.as_of is not None:
        current.as_of = min(current.as_of or measured.as_of, measured.as_of)
    return found


def _is_its_fault(error: Exception) -> bool:
    """Whether the replica failed, as opposed to a statement that would fail anywhere."""
    if isinstance(error, psycopg_pool.PoolTimeout):
        return True
    state = sqlstate.of(error)
    return state is None or state in _CONFLICTS or state.startswith(("08", "57P"))


@contextmanager
def _from(alias: str) -> Iterator[None]:
    token = _reading.set(alias)
    try:
        yield
    finally:
        _reading.reset(token)
