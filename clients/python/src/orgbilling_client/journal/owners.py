"""Who is at work on an entry: a process that lives holds a lock, which the kernel ends with it.

A call that was kept before it is made must not be replayed while it is being made: its caller might be told
of a refusal that the replay then undoes. Neither a process id, which is used again, nor a time, which a slow
call outlasts, tells a living process from a dead one. A lock on a file does.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orgbilling_client.journal.errors import JournalBusy

#: A lock lasts as long as any process has its file open, so a child lets go of what it inherited.
_handles: set[int] = set()


class Owner:
    """This process, as the owner of what it is sending. The lock is held from here until `close`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._path, self._handle = _locked_file(folder)
        self.token = self._path.name

    def close(self) -> None:
        """Own nothing any more."""
        self._path.unlink(missing_ok=True)
        _close(self._handle)


def ended(folder: Path, token: str) -> bool:
    """Whether the owner of this token is gone; what it left of itself is removed."""
    path = folder / token
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        path.unlink(missing_ok=True)
        return True
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what ended processes left."""
    if folder.is_dir():
        for path in folder.iterdir():
            ended(folder, path.name)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the one lock of whoever replays.

    Raises:
        JournalBusy: another process, or another thread of this one, holds it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _handles.add(handle)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JournalBusy(path) from error
        yield
    finally:
        _close(handle)


def _locked_file(folder: Path) -> tuple[Path, int]:
    """A new file with its lock. One that somebody swept before it was locked is made anew."""
    while True:
        path = folder / secrets.token_hex(8)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_nlink:
                _handles.add(handle)
                return path, handle
        except BlockingIOError:
            pass
        os.close(handle)


def _close(handle: int) -> None:
    # Not in a child, which has closed it: what is open under the same number meanwhile may be anybody's.
    if handle in _handles:
        _handles.discard(handle)
        # A child that was just forked may not have closed it yet.
        fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def _let_go_in_child() -> None:
    for handle in _handles:
        os.close(handle)
    _handles.clear()


os.register_at_fork(after_in_child=_let_go_in_child)
