"""The connections that a thread has taken from the pools, so that it can give back those, and needn't look for them.

Django asks every alias that a thread has ever used at the end of each request: that costs more than most of a
charge's own work, and nearly always there is nothing to give back.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from orgbilling.database.base import DatabaseWrapper


class _Taken(threading.local):
    def __init__(self) -> None:
        self.by_alias: dict[str, DatabaseWrapper] = {}


_taken: Final = _Taken()


def note(wrapper: DatabaseWrapper) -> None:
    """Note that this thread has taken a connection."""
    _taken.by_alias[wrapper.alias] = wrapper


def give_back() -> None:
    """Close what this thread has taken, as ``django.db.close_old_connections`` would; not inside a transaction."""
    taken = _taken.by_alias
    if not taken:
        return
    for alias, wrapper in list(taken.items()):
        wrapper.close_if_unusable_or_obsolete()
        if wrapper.connection is None:
            del taken[alias]
