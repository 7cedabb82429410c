"""What a transaction did is logged and counted once it is committed, and never when it is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction


def after_commit(do: Callable[..., Any], *args: Any, **named: Any) -> None:
    """Call ``do(*args, **named)`` after the outermost transaction's commit; at once when there is none.

    A rolled-back transaction or savepoint does nothing. The arguments are as they are now.
    """
    transaction.on_commit(partial(do, *args, **named), robust=True)
