"""A number that changes whenever what processes keep in memory may be wrong: told with every count, so that it is free.

It stands among the shared counters of PostgreSQL (``orgbilling.web.counters``), and each count of a request brings it
along. Redis tells none; what depends on it is looked up anew there.
"""

from __future__ import annotations

import secrets
import threading
from typing import Final

from django.core.cache import caches

#: Among the counters.
KEY: Final = "epoch"


class _Told(threading.local):
    number: int | None = None


_told: Final = _Told()


def told() -> int | None:
    """The number that this thread's last count brought along since ``forget``; None: none did."""
    return _told.number


def tell(number: int | None) -> None:
    """Note what a count brought along."""
    _told.number = number


def forget() -> None:
    """Begin a request: what an earlier one was told is old."""
    _told.number = None


def change() -> None:
    """Have every process look anew; to be called once what has changed is committed.

    Raises:
        What the counters raise: then nobody can count either, and nobody is told a number.
    """
    # The server loses it when it crashes: it must be none that was ever told before.
    caches["counters"].set(KEY, secrets.randbits(62), None)
