"""The one place where an error of PostgreSQL becomes an error of ours.

SQL functions raise ``ERRCODE 'OB0xx'`` with a JSON object in DETAIL; constraints are never recognised
by their names, because a distributed table names its shards' constraints differently.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error as DjangoDatabaseError

from orgbilling.lib.errors import OrgBillingError

_BY_SQLSTATE: dict[str, type[OrgBillingError]] = {}

#: serialization_failure, deadlock_detected, lock_not_available: the whole transaction may be tried again.
RETRYABLE = frozenset({"40001", "40P01", "55P03"})


def register(sqlstate: str, error: type[OrgBillingError]) -> None:
    """Let ``sqlstate`` be raised as ``error``.

    Raises:
        ValueError: the state is taken.
    """
    taken = _BY_SQLSTATE.setdefault(sqlstate, error)
    if taken is not error:
        message = f"SQLSTATE {sqlstate} is {taken.__name__} already."
        raise ValueError(message)


def registered() -> frozenset[str]:
    """The states of ours that have an error."""
    return frozenset(_BY_SQLSTATE)


def of(exc: BaseException) -> str | None:
    """The SQLSTATE behind an exception of Django or psycopg, None when there is none."""
    cause = exc.__cause__ if isinstance(exc, DjangoDatabaseError) else exc
    return getattr(cause, "sqlstate", None)


def domain_error(exc: BaseException) -> OrgBillingError | None:
    """The error of ours that a database error stands for, None when it is not one of ours."""
    cause = exc.__cause__ if isinstance(exc, DjangoDatabaseError) else exc
    diag = getattr(cause, "diag", None)
    return error_of(of(exc) or "", diag.message_detail if diag is not None else None)


def error_of(state: str, message_detail: str | None) -> OrgBillingError | None:
    """The error of ours that a SQLSTATE and its DETAIL (a JSON object) stand for, None when it is not one of ours."""
    error = _BY_SQLSTATE.get(state)
    if error is None:
        return None
    detail = json.loads(message_detail) if message_detail else {}
    return error(detail.pop("detail", None), **detail)


@contextmanager
def translated() -> Iterator[None]:
    """Raise our errors in place of the database's inside the block."""
    try:
        yield
    except DjangoDatabaseError as exc:
        error = domain_error(exc)
        if error is None:
            raise
        raise error from exc
