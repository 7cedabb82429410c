"""The file under a journal: SQLite, durable at each commit, shared by threads and processes."""

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orgbilling_client.journal.errors import JournalError

VERSION = 1
BUSY_SECONDS = 30
SCHEMA = """
CREATE TABLE entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    org_id TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL CHECK (json_valid(body)),
    x_request_id TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'refused', 'dismissed')),
    owner TEXT,
    kept_at TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    tried_at TEXT,
    reason TEXT NOT NULL DEFAULT '',
    problem TEXT CHECK (problem IS NULL OR json_valid(problem)),
    UNIQUE (path, org_id, key),
    CHECK (owner IS NULL OR state = 'pending')
) STRICT;
CREATE INDEX entries_by_state ON entries (state, number);
"""

_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()
_forking = threading.Lock()
_held: list["Database"] = []


class Database:
    """One connection of this process to the journal's file, opened when needed.

    It is closed before a fork: SQLite keeps in the process's memory which locks it holds on a file, so a child that
    opens the file anew would believe in its parent's locks. The parent's last close would then delete the write-ahead
    log that the child goes on writing to, and with it what the child has kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        _databases.add(self)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write and read in one transaction: it is on disk when the block is left, or not there at all.

        Raises:
            JournalError: the file can't be read or written, as when the disk is full.
        """
        with self._lock, self._named_errors():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read without waiting for whoever writes."""
        with self._lock, self._named_errors():
            yield self._open()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def hold_for_fork(self) -> None:
        """Let nobody use the file, and close it, until `release_after_fork`."""
        self._lock.acquire()
        if self._connection is not None and not self._connection.in_transaction:
            self.close()

    def release_after_fork(self) -> None:
        """Let the file be used again, in the parent and in the child."""
        self._lock.release()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            message = f"The journal {self.path} can't be used: {error}."
            raise JournalError(message) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _connect(self.path)
        return self._connection


def _connect(path: Path) -> sqlite3.Connection:
    try:
        # The metadata of a charge may be about people: nobody else reads it. SQLite's own files take the mode over.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        message = f"The journal {path} can't be opened: {error.strerror}."
        raise JournalError(message) from error
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # At each commit the write-ahead log reaches the disk. NORMAL would wait for a checkpoint.
        connection.execute("PRAGMA synchronous = FULL")
        _make_tables(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
    if version == 0:
        _sync_folder(path.parent)
    elif version != VERSION:
        message = (
            f"The journal {path} is of version {version}; this program knows {VERSION}. Update it."
        )
        raise JournalError(message)


def _sync_folder(folder: Path) -> None:
    """The names of the new files reach the disk too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _before_fork() -> None:
    _forking.acquire()
    _held.extend(_databases)
    for one in _held:
        one.hold_for_fork()


def _after_fork() -> None:
    for one in _held:
        one.release_after_fork()
    _held.clear()
    _forking.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
