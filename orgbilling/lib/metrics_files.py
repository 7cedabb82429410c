"""One machine's processes keep their figures in one folder, so that whichever is asked answers for all.

Each process writes files of its own (prometheus_client's multiprocess mode: memory that is mapped from files, no
system call to count) and holds a lock on one of them while it lives. The kernel lets go of it however the process
ends: so a killed worker's gauges go, and its counters stay. Whoever comes first, when nobody lives, empties the folder.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Final

import prometheus_client.values
from django.core.exceptions import ImproperlyConfigured
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

ALIVE: Final = ".alive"
GATE: Final = ".gate"

_HOST: Final = socket.gethostname()
_joined: dict[Path, IO[str]] = {}


def share(folder: Path) -> None:
    """Keep this process's figures in the folder from now on. Before the first one is defined.

    Raises ImproperlyConfigured where nothing can be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _gate(folder):
            if not _forget_dead(folder):
                _empty(folder)
            mine = (folder / f"{_identity()}{ALIVE}").open("w", encoding="utf-8")
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ImproperlyConfigured(
            f"METRICS_DIR: {folder}: {error.strerror}. Name a folder that the service may write, best in memory."
        ) from error
    _joined[folder] = mine
    os.environ.update(PROMETHEUS_MULTIPROC_DIR=str(folder))
    prometheus_client.values.ValueClass = prometheus_client.values.MultiProcessValue(_identity)  # type: ignore[no-untyped-call]


def shared_folder() -> Path | None:
    """The folder that this process shares; None: its figures are its own."""
    return next(iter(_joined), None)


def everybodys(folder: Path) -> Collector:
    """The figures of all processes of the folder, the dead ones' gauges aside."""
    with _gate(folder):
        _forget_dead(folder)
    return _Begun(None, str(folder))  # type: ignore[no-untyped-call]


class _Begun(MultiProcessCollector):
    """Leaves out files that are empty: a process that just starts has made one, and not yet given it its length."""

    def collect(self) -> Iterable[Metric]:
        """Yield the figures of everybody who has any."""
        files = [str(file) for file in Path(self._path).glob("*.db") if _has_begun(file)]
        merged: Iterable[Metric] = self.merge(files, accumulate=True)  # type: ignore[no-untyped-call]
        return merged


def _has_begun(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        # A dead process's gauges, which whoever else reads has just removed.
        return False


def _identity() -> str:
    """Who writes a file: containers that share a folder may have the same process ids. Asked at every count."""
    return _named(os.getpid())


@cache
def _named(pid: int) -> str:
    return f"{_HOST}-{pid}"


@contextmanager
def _gate(folder: Path) -> Iterator[None]:
    """Lets one process at a time look who lives."""
    with (folder / GATE).open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_dead(folder: Path) -> int:
    """Remove what only a living process may say; returns how many live."""
    living = 0
    for sign in folder.glob(f"*{ALIVE}"):
        with sign.open("r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                living += 1
                continue
            mark_process_dead(sign.name.removesuffix(ALIVE), str(folder))  # type: ignore[no-untyped-call]
            sign.unlink()
    return living


def _empty(folder: Path) -> None:
    """Remove the figures of processes that are all gone: their counters begin anew, as after any restart."""
    for file in [*folder.glob("*.db"), *folder.glob("*.json")]:
        with suppress(FileNotFoundError):
            file.unlink()
