"""One backup at a time, one drill at a time, one restore at a time."""

from __future__ import annotations

from typing import Final

from orgbilling.backups.errors import Busy
from orgbilling.backups.target import Connection

#: Advisory locks are numbers of the whole database; ours begin with this one ("OB").
SPACE: Final = 0x4F42
BACKUP: Final = 1
DRILL: Final = 2
RESTORE: Final = 3


def take(connection: Connection, number: int, what: str) -> None:
    """Take a lock until the connection's session ends, however that ends.

    Raises:
        Busy: somebody else has it.
    """
    _take(connection, "SELECT pg_try_advisory_lock(%s, %s)", number, what)


def take_in_transaction(connection: Connection, number: int, what: str) -> None:
    """Take a lock until the connection's transaction ends.

    Raises:
        Busy: somebody else has it.
    """
    _take(connection, "SELECT pg_try_advisory_xact_lock(%s, %s)", number, what)


def _take(connection: Connection, query: str, number: int, what: str) -> None:
    row = connection.execute(query, [SPACE, number]).fetchone()
    if row is None or not row[0]:
        raise Busy(f"Another {what} of this database is at work: wait until it has ended.")
