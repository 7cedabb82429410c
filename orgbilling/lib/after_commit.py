"""What a transaction did is logged and counted once it is committed, and never when it is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from django.db import connection, transaction

logger = structlog.stdlib.get_logger(__name__)


def after_commit(do: Callable[..., Any], *args: Any, **named: Any) -> None:
    """Call ``do(*args, **named)`` after the outermost transaction's commit; at once when there is none.

    A rolled-back transaction or savepoint does nothing. The arguments are as they now are. What ``do`` raises is
    logged: what was done is committed, whatever becomes of telling it.
    """
    if connection.in_atomic_block:
        transaction.on_commit(partial(do, *args, **named), robust=True)
        return
    # Django would take a connection from the pool to learn that it is in no transaction.
    try:
        do(*args, **named)
    except Exception:
        logger.exception("commit.not_told")
