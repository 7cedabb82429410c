"""One request, one transaction: how a piece of work that moves credits is run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg_pool
import structlog
from django.db import Error as DjangoDatabaseError
from django.db import InterfaceError, OperationalError, connection, transaction

from orgbilling.database.watch import WATCH
from orgbilling.lib import sqlstate
from orgbilling.lib.coalescing import Undone
from orgbilling.lib.errors import DatabaseUnavailable, OrgBillingError, OutcomeUnknown

logger = structlog.stdlib.get_logger(__name__)
Result = TypeVar("Result")

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.02


def run(work: Callable[[], Result]) -> Result:
    """Run ``work`` in a durable transaction; once more, up to three times, when it met a lock it couldn't have.

    Raises:
        DatabaseUnavailable: nothing was changed: no connection, or the locks weren't to be had in four attempts.
        OutcomeUnknown: the connection was lost while committing.
    """
    return _attempt(lambda: _transact(work))


def call(statement: Callable[[], Result]) -> Result:
    """Run one statement that is a transaction of its own (a call of a SQL function), with the same retries.

    A connection lost after the statement was sent leaves its outcome unknown: it commits by itself.

    Raises:
        DatabaseUnavailable, OutcomeUnknown: as ``run``.
    """

    def guarded() -> Result:
        _connect()
        if connection.in_atomic_block:
            # Inside a caller's transaction an error that the caller handles must not end it.
            with transaction.atomic():
                return statement()
        return _committing_by_itself(statement)

    return _attempt(guarded)


def call_for_many(statement: Callable[[], Result]) -> Result:
    """Run one statement that is a transaction of its own and does the work of many, once, outside of any other.

    What was refused is for each of them to try again alone: so there is no second attempt here.

    Raises:
        Undone: nothing was changed: no connection, or the server refused the statement.
        OutcomeUnknown: as ``call``. After any other error the outcome is as unknown.
    """
    try:
        _connect()
        return _committing_by_itself(statement)
    except OutcomeUnknown:
        raise
    except OrgBillingError as exc:
        raise Undone from exc
    except DjangoDatabaseError as exc:
        if sqlstate.of(exc) is None:
            # The server has said nothing: psycopg may have stumbled over what was sent, or over what came back.
            raise
        raise Undone from exc


def _committing_by_itself(statement: Callable[[], Result]) -> Result:
    try:
        return statement()
    except (OperationalError, InterfaceError) as exc:
        if not _lost(exc):
            raise
        raise OutcomeUnknown from exc


def _transact(work: Callable[[], Result]) -> Result:
    _connect()
    committing = False
    try:
        with transaction.atomic(durable=True):
            result = work()
            committing = True
    except (OperationalError, InterfaceError) as exc:
        if not _lost(exc):
            raise
        raise (OutcomeUnknown if committing else DatabaseUnavailable) from exc
    return result


def _attempt(once: Callable[[], Result]) -> Result:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return once()
        except DjangoDatabaseError as exc:
            if sqlstate.of(exc) not in sqlstate.RETRYABLE:
                raise
            if connection.in_atomic_block:
                # The whole transaction has to be tried again, which is for whoever holds it.
                raise
            if attempt == ATTEMPTS:
                raise DatabaseUnavailable from exc
            logger.warning(
                "transaction.retried", sqlstate=sqlstate.of(exc), attempt=attempt, attempts=ATTEMPTS
            )
            # Full jitter, so that callers that collided don't meet again.
            time.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**attempt))  # noqa: S311
    raise AssertionError  # pragma: no cover - the loop returns or raises


def _connect() -> None:
    if WATCH.silent:
        # This thread's connection may be open already, and then the first statement would leave its outcome open.
        raise DatabaseUnavailable
    try:
        connection.ensure_connection()
    except (OperationalError, InterfaceError, psycopg_pool.PoolTimeout) as exc:
        raise DatabaseUnavailable from exc


def _lost(exc: DjangoDatabaseError) -> bool:
    """Whether the connection itself is gone, as opposed to a statement that the server refused."""
    state = sqlstate.of(exc)
    return state is None or state.startswith(("08", "57P"))
