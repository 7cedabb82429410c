"""One backup at a time, one drill at a time, one restore at a time."""

from __future__ import annotations

import time
from typing import Final

from orgbilling.backups.errors import Busy
from orgbilling.backups.target import Connection

#: Advisory locks are numbers of a whole database; ours begin with this one ("OB").
SPACE: Final = 0x4F42
BACKUP: Final = "1"
DRILL: Final = "2"
#: Taken where all databases of the server are at home, so it carries the name of the one it is about.
RESTORE: Final = "hashtext(%s)"
#: The server needs a moment to notice that a holder was killed.
PATIENCE_SECONDS: Final = 2
POLL_SECONDS: Final = 0.05


def take(connection: Connection, lock: str, what: str, *about: str) -> None:
    """Take a lock until the connection's session ends, however that ends.

    Args:
        lock: one of this module's.
        what: in a word, for whoever is refused.
        about: the database's name, for RESTORE.

    Raises:
        Busy: somebody else has it.
    """
    _take(connection, f"SELECT pg_try_advisory_lock({SPACE}, {lock})", what, about)


def take_in_transaction(connection: Connection, lock: str, what: str) -> None:
    """Take a lock until the connection's transaction ends.

    Raises:
        Busy: somebody else has it.
    """
    _take(connection, f"SELECT pg_try_advisory_xact_lock({SPACE}, {lock})", what, ())


def _take(connection: Connection, query: str, what: str, values: tuple[str, ...]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        row = connection.execute(query.encode(), values).fetchone()
        if row is not None and row[0]:
            return
        if time.monotonic() > deadline:
            raise Busy(f"Another {what} of this database is at work: wait until it has ended.")
        time.sleep(POLL_SECONDS)
