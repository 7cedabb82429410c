"""What a transaction did is logged once it is committed, and never when it is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction


def after_commit(say: Callable[..., Any], event: str, **fields: Any) -> None:
    """Call ``say(event, **fields)`` after the outermost transaction's commit; at once when there is none.

    A rolled-back transaction or savepoint says nothing. The fields are as they are now.
    """
    transaction.on_commit(partial(say, event, **fields), robust=True)
