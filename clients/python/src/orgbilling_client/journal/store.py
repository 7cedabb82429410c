"""The journal: calls on disk, until the service has them."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from orgbilling_client.journal import owners
from orgbilling_client.journal.database import Database
from orgbilling_client.journal.entries import Entry, Kept, State
from orgbilling_client.journal.errors import JournalConflict, JournalError, NoSuchEntry
from orgbilling_client.keys import derived

COLUMNS = (
    "number, path, body, key, x_request_id, state, kept_at, attempts, tried_at, reason, problem"
)


class Journal:
    """Calls kept on a local disk: in order, each once, durable when a method returns.

    Threads may share one, processes may share its file, and each process opens it anew after a fork. The
    file must not be on a network's file system, where SQLite's locks don't hold.

    Args:
        path: the file. It is made, readable by its owner alone, in a folder that exists. Two files and a
            folder of the same name with an ending stand beside it.
        write_ahead: keep each call before it is made, so that one cut short by the death of the process is
            settled at the next replay. Without, a call is kept when it could not be made.
    """

    def __init__(self, path: str | os.PathLike[str], *, write_ahead: bool = False) -> None:
        self.path = Path(path).absolute()
        self.write_ahead = write_ahead
        self._database = Database(self.path)
        self._folder = self.path.with_name(f"{self.path.name}.owners")
        self._owner: owners.Owner | None = None
        self._owner_pid = 0
        self._count(State.PENDING)
        owners.sweep(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Journal({str(self.path)!r}, write_ahead={self.write_ahead})"

    def close(self) -> None:
        """Close the file. What it keeps stays, and is replayed by whoever opens it next."""
        if self._owner is not None and self._owner_pid == os.getpid():
            self._owner.close()
        self._owner = None
        self._database.close()

    def keep(self, call: Kept, reason: str = "", *, at_work: bool = False) -> tuple[Entry, bool]:
        """Keep a call. Returns its entry, and whether it is new.

        Args:
            reason: why it could not be made.
            at_work: it is being made by this process right now, and nobody else should until it ended.

        Raises:
            JournalConflict: the key is kept with other arguments.
            JournalError: it is not on disk, or a person has dismissed it.
        """
        owner = self._own_token() if at_work else None
        now = _now()
        with self._database.transaction() as connection:
            row = connection.execute(
                "INSERT INTO entries (path, org_id, body, key, x_request_id, owner, kept_at, attempts,"
                " tried_at, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING RETURNING *",
                (
                    call.path,
                    _org_of(call),
                    call.body,
                    call.key,
                    call.x_request_id,
                    owner,
                    now,
                    int(not at_work),
                    None if at_work else now,
                    reason,
                ),
            ).fetchone()
            if row is not None:
                return _entry(row), True
            kept = self._same(connection, call)
            if kept.state is State.DISMISSED:
                raise JournalError(
                    f"Entry {kept.number} of the journal, with the key {kept.key!r}, was dismissed: it is never sent."
                    " Give the charge a new key."
                )
            if at_work and kept.state is State.PENDING:
                connection.execute(
                    "UPDATE entries SET owner = ? WHERE number = ?", (owner, kept.number)
                )
            elif not at_work:
                # What was refused before is asked for again, and promised again.
                connection.execute(
                    "UPDATE entries SET state = 'pending' WHERE number = ?", (kept.number,)
                )
            return kept, False

    def settle(self, entry: Entry) -> None:
        """Take off what the service has acted on."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM entries WHERE number = ?", (entry.number,))

    def put_back(self, entry: Entry, reason: str) -> None:
        """Leave it for the next replay: the service could not be reached, or not understood."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE entries SET state = 'pending', owner = NULL, attempts = attempts + 1, tried_at = ?,"
                " reason = ? WHERE number = ? AND state <> 'dismissed'",
                (_now(), reason, entry.number),
            )

    def refuse(self, entry: Entry, reason: str, problem: dict[str, Any]) -> None:
        """The service said no: a person has to look at it."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE entries SET state = 'refused', owner = NULL, attempts = attempts + 1, tried_at = ?,"
                " reason = ?, problem = ? WHERE number = ? AND state <> 'dismissed'",
                (_now(), reason, json.dumps(problem), entry.number),
            )

    def retry(self, number: int) -> Entry:
        """Let a refused entry be sent again at the next replay.

        After a 402 it gets a new key, derived from its old one: the service has stored its refusal under
        that, and charged nothing by it.

        Raises:
            NoSuchEntry: no entry with this number is refused or dismissed.
        """
        with self._database.transaction() as connection:
            kept = self._numbered(connection, number)
            if kept.state is State.PENDING:
                message = f"Entry {number} is {kept.state}: it is sent at the next replay anyway."
                raise NoSuchEntry(message)
            final = (kept.problem or {}).get("status") == 402
            key = derived(kept.key, f"after-402-{kept.attempts}") if final else kept.key
            row = connection.execute(
                "UPDATE entries SET state = 'pending', key = ? WHERE number = ? RETURNING *",
                (key, number),
            ).fetchone()
            return _entry(row)

    def dismiss(self, number: int, reason: str) -> Entry:
        """Never send a refused entry. It stays as evidence, with the reason.

        Raises:
            NoSuchEntry: no entry with this number is refused. What is pending may have been charged already.
        """
        with self._database.transaction() as connection:
            kept = self._numbered(connection, number)
            if kept.state is not State.REFUSED:
                message = f"Entry {number} is {kept.state}: only what was refused can be dismissed."
                raise NoSuchEntry(message)
            row = connection.execute(
                "UPDATE entries SET state = 'dismissed', reason = ? WHERE number = ? RETURNING *",
                (reason, number),
            ).fetchone()
            return _entry(row)

    def entries(self, state: State | None = None) -> list[Entry]:
        """What is kept, oldest first: all of it, or what is in one state."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM entries WHERE ?1 IS NULL OR state = ?1 ORDER BY number",
                (state,),
            ).fetchall()
        return [_entry(row) for row in rows]

    def pending(self) -> int:
        """How many calls wait to be sent, those at work included."""
        return self._count(State.PENDING)

    def refused(self) -> int:
        """How many calls wait for a person."""
        return self._count(State.REFUSED)

    def due(self) -> Iterator[Entry]:
        """What nobody is at work on, oldest first, read one by one. What comes meanwhile is among it."""
        self._disown_ended()
        number = 0
        while True:
            with self._database.reading() as connection:
                row = connection.execute(
                    "SELECT * FROM entries WHERE state = 'pending' AND owner IS NULL"
                    " AND number > ? ORDER BY number LIMIT 1",
                    (number,),
                ).fetchone()
            if row is None:
                return
            entry = _entry(row)
            number = entry.number
            yield entry

    def alone(self) -> AbstractContextManager[None]:
        """Hold the lock of whoever replays; raises JournalBusy where another process does."""
        return owners.alone(self.path.with_name(f"{self.path.name}.replaying"))

    def _disown_ended(self) -> None:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT owner FROM entries WHERE owner IS NOT NULL"
            ).fetchall()
        for (token,) in rows:
            if owners.ended(self._folder, token):
                with self._database.transaction() as connection:
                    connection.execute("UPDATE entries SET owner = NULL WHERE owner = ?", (token,))

    def _own_token(self) -> str:
        if self._owner_pid != os.getpid():
            self._owner = None
        if self._owner is None:
            try:
                self._owner = owners.Owner(self._folder)
            except OSError as error:
                message = f"The journal's folder {self._folder} can't be used: {error.strerror}."
                raise JournalError(message) from error
            self._owner_pid = os.getpid()
        return self._owner.token

    def _count(self, state: State) -> int:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT count(*) FROM entries WHERE state = ?", (state,)
            ).fetchone()
        return int(row[0])

    @staticmethod
    def _same(connection: sqlite3.Connection, call: Kept) -> Entry:
        row = connection.execute(
            "SELECT * FROM entries WHERE path = ? AND org_id = ? AND key = ?",
            (call.path, _org_of(call), call.key),
        ).fetchone()
        kept = _entry(row)
        if kept.call.body != call.body:
            raise JournalConflict(call.key)
        return kept

    @staticmethod
    def _numbered(connection: sqlite3.Connection, number: int) -> Entry:
        row = connection.execute("SELECT * FROM entries WHERE number = ?", (number,)).fetchone()
        if row is None:
            message = f"The journal has no entry {number}: it was delivered, or never was."
            raise NoSuchEntry(message)
        return _entry(row)


def _entry(row: sqlite3.Row) -> Entry:
    tried_at, problem = row["tried_at"], row["problem"]
    return Entry(
        number=row["number"],
        call=Kept(row["path"], row["body"], row["key"], row["x_request_id"]),
        state=State(row["state"]),
        kept_at=datetime.fromisoformat(row["kept_at"]),
        attempts=row["attempts"],
        tried_at=datetime.fromisoformat(tried_at) if tried_at else None,
        reason=row["reason"],
        problem=json.loads(problem) if problem else None,
    )


def _org_of(call: Kept) -> str:
    """The service tells keys apart by organization; a refund or capture need not name one."""
    return str(call.document.get("org_id", ""))


def _now() -> str:
    return datetime.now(UTC).isoformat()
