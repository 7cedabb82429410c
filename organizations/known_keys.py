"""API keys that this process has looked up: kept for seconds, and worthless from the moment one is revoked anywhere.

A service calls with the same key again and again. What is kept of it is believed only if the count of the same request
says that no key has been revoked since (``orgbilling.web.epochs``). The seconds bound what a change by hand in the
database, or a process that died between its commit and telling, can leave behind.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from orgbilling.web import epochs

if TYPE_CHECKING:
    from organizations.models.api_key import ApiKey

SECONDS: Final = 5.0
KEPT_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Kept:
    key: ApiKey
    epoch: int
    until: float


_kept: Final[dict[str, _Kept]] = {}


def get(key_hash: str) -> ApiKey | None:
    """The key with this hash, which is not believed before ``confirmed`` says so."""
    kept = _kept.get(key_hash)
    if kept is None or kept.until < time.monotonic() or kept.key.is_dead:
        return None
    return kept.key


def confirmed(key: ApiKey) -> bool:
    """Whether what was kept of a key is still true; to be asked once the request is counted."""
    kept = _kept.get(key.key_hash)
    return kept is not None and kept.key is key and kept.epoch == epochs.told()


def keep(key: ApiKey, epoch: int) -> None:
    """Keep a key that was looked up after the request had been told ``epoch``."""
    if len(_kept) >= KEPT_MAX:
        _kept.clear()
    _kept[key.key_hash] = _Kept(key, epoch, time.monotonic() + SECONDS)


def forget(key_id: uuid.UUID) -> None:
    """Keep a key of this process no longer."""
    for key_hash, kept in list(_kept.items()):
        if kept.key.pk == key_id:
            _kept.pop(key_hash, None)
