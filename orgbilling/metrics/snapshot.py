"""The database's figures as they were at most 15 seconds ago, asked for once for all processes of a machine."""

from __future__ import annotations

import fcntl
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from orgbilling.database.watch import WATCH, State
from orgbilling.lib.metrics_files import shared_folder
from orgbilling.metrics.asking import Figures, Journal, ask

logger = structlog.stdlib.get_logger(__name__)

FRESH_SECONDS: Final = 15.0
#: How long a monitor waits for a database that doesn't answer; Prometheus gives up after 10 seconds.
PATIENCE_SECONDS: Final = 2.0
#: How old figures may be while a slow database is being asked: an alert that waits begins anew at each gap.
BEARABLE_SECONDS: Final = 60.0
FILE: Final = "database.json"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the database knew at `taken_at` (seconds of the epoch)."""

    taken_at: float
    figures: Figures
    journal: dict[str, int]
    journal_until: float | None

    @property
    def is_fresh(self) -> bool:
        """Whether it is worth showing; a clock that was set back makes it look as if it came from later."""
        return 0 <= time.time() - self.taken_at < FRESH_SECONDS


@dataclass(slots=True)
class _Asking:
    """One question to the database, which may stay without an answer for as long as its server is stopped."""

    thread: threading.Thread | None = None
    found: Snapshot | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_asking: Final = _Asking()
_kept: dict[str, Snapshot] = {}


def current() -> Snapshot | None:
    """Return a fresh snapshot; None when the database doesn't answer in two seconds."""
    kept = _read(shared_folder())
    if kept is not None and kept.is_fresh:
        return kept
    with _asking.lock:
        if _asking.thread is None or not _asking.thread.is_alive():
            _asking.found = None
            _asking.thread = threading.Thread(target=_refresh, name="metrics", daemon=True)
            _asking.thread.start()
        thread = _asking.thread
    thread.join(PATIENCE_SECONDS)
    found = _asking.found
    if found is not None and found.is_fresh:
        return found
    slow = thread.is_alive() and WATCH.state is State.ANSWERING
    if slow and kept is not None and 0 <= time.time() - kept.taken_at < BEARABLE_SECONDS:
        return kept
    return None


def _refresh() -> None:
    """Ask, unless another process has just done so, and keep the answer for all."""
    folder = shared_folder()
    try:
        with _turn(folder):
            kept = _read(folder)
            if kept is None or not kept.is_fresh:
                kept = _ask(kept)
                _write(folder, kept)
            _asking.found = kept
    except Exception:
        logger.warning("metrics.database_silent", exc_info=True)


def _ask(kept: Snapshot | None) -> Snapshot:
    known = (None, {}) if kept is None else (kept.journal_until, dict(kept.journal))
    journal = Journal(*known)
    figures = ask(journal)
    return Snapshot(time.time(), figures, journal.kinds, journal.until)


@contextmanager
def _turn(folder: Path | None) -> Iterator[None]:
    """One process at a time: the journal's rows are counted once."""
    if folder is None:
        yield
        return
    with (folder / f"{FILE}.lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(folder: Path | None) -> Snapshot | None:
    if folder is None:
        return _kept.get(FILE)
    try:
        document: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Snapshot(**document)


def _write(folder: Path | None, snapshot: Snapshot) -> None:
    if folder is None:
        _kept[FILE] = snapshot
        return
    draft = folder / f"{FILE}.draft"
    fields = {name: getattr(snapshot, name) for name in Snapshot.__slots__}
    draft.write_text(json.dumps(fields), encoding="utf-8")
    draft.replace(folder / FILE)
