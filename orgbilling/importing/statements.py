"""A plain dump taken apart: the few statements that are wanted, and nothing else of it.

A dump is a program. psql would run what it says to the shell; a server runs its functions. So it is never given to
either: what makes and fills the tables is picked out, and the rest is passed over unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from orgbilling.importing.columns import TABLES
from orgbilling.importing.errors import ImportRefusedError

#: A statement that is longer is none of a dump's.
LENGTH_MAX: Final = 256 * 2**20
END_OF_DATA: Final = b"\\."
#: What begins or ends something inside which a semicolon ends no statement.
TOKEN: Final = re.compile(rb"'|\"|--|/\*|\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$|;")
_NAME: Final = (
    rb'(?:"?[a-z_][a-z0-9_]*"?\.)?"?(?:' + b"|".join(one.name.encode() for one in TABLES) + rb')"?'
)
COPY: Final = re.compile(
    rb"COPY\s+" + _NAME + rb"\s*\([^()]*\)\s+FROM\s+stdin\s*;\s*\Z", re.IGNORECASE
)
ANY_COPY: Final = re.compile(rb"COPY\s.*\sFROM\s+stdin\b[^;]*;?\s*\Z", re.IGNORECASE | re.DOTALL)
#: Rows of a table that is wanted, in a form that isn't read: passed over, they would be missing.
UNREAD_COPY: Final = re.compile(rb"COPY\s+" + _NAME + rb"[\s(]", re.IGNORECASE)
#: Rows that a table has from others: those have names of their own, so that they would be missing.
PARTS: Final = (
    re.compile(
        rb"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?" + _NAME + rb"\s+ATTACH\s+PARTITION\b",
        re.IGNORECASE,
    ),
    re.compile(rb"CREATE\s.*\sPARTITION\s+OF\s+" + _NAME + rb"\s", re.IGNORECASE | re.DOTALL),
    re.compile(
        rb"CREATE\s.*\sINHERITS\s*\([^()]*?" + _NAME + rb"\s*[,)]", re.IGNORECASE | re.DOTALL
    ),
)
WANTED: Final = (
    re.compile(
        rb"CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?" + _NAME + rb"\s*\(",
        re.IGNORECASE,
    ),
    re.compile(
        rb"INSERT\s+INTO\s+"
        + _NAME
        + rb"\s*(?:\([^()]*\)\s*)?(?:OVERRIDING\s+SYSTEM\s+VALUE\s+)?VALUES\b",
        re.IGNORECASE,
    ),
    re.compile(rb'CREATE\s+TYPE\s+[\w."]+\s+AS\s+ENUM\s*\(', re.IGNORECASE),
    re.compile(rb'CREATE\s+SCHEMA\s+(?:IF\s+NOT\s+EXISTS\s+)?[\w"]+\s*;', re.IGNORECASE),
    re.compile(
        rb"SET\s+(?:client_encoding|standard_conforming_strings)\s*(?:=|TO)\s*'?[\w-]+'?\s*;",
        re.IGNORECASE,
    ),
)

_BEFORE: Final = re.compile(rb"\s+|--[^\n]*\n|/\*")
_COMMENT: Final = re.compile(rb"/\*|\*/")


@dataclass(slots=True)
class Piece:
    """A statement of the dump that is wanted, with the lines of data that follow it, if it is a COPY."""

    statement: bytes
    data: Iterator[bytes] | None = None


@dataclass(slots=True)
class _Scanner:
    """Finds where statements end; keeps what is between two."""

    kept: list[bytes] = field(default_factory=list)
    length: int = 0
    is_blank: bool = True
    inside: bytes = b""
    depth: int = 0

    def feed(self, line: bytes) -> Iterator[bytes]:
        """The statements that end in the line."""
        start = at = 0
        while (found := self._next(line, at)) is not None:
            at, ends = found
            if ends:
                self.kept.append(line[start:at])
                yield b"".join(self.kept)
                self.kept, self.length, self.is_blank, start = [], 0, True, at
        self.kept.append(line[start:])
        self.is_blank = self.is_blank and not line[start:].strip()
        self.length += len(line) - start
        if self.length > LENGTH_MAX:
            raise ImportRefusedError(
                "The dump has a statement without an end: it is damaged, or no plain SQL."
            )

    @property
    def is_between(self) -> bool:
        """Whether no statement has begun."""
        return not self.inside and self.is_blank

    def _next(self, line: bytes, at: int) -> tuple[int, bool] | None:
        """The end of the next token, and whether it ends a statement; None at the line's end."""
        if self.inside:
            return self._leave(line, at)
        found = TOKEN.search(line, at)
        if found is None:
            return None
        token = found[0]
        if token == b";":
            return found.end(), True
        if token == b"--":
            return None
        if token == b"'" and line[max(0, found.start() - 1) : found.start()] in {b"E", b"e"}:
            token = b"E'"
        self.inside, self.depth = token, 1
        return found.end(), False

    def _leave(self, line: bytes, at: int) -> tuple[int, bool] | None:
        if self.inside == b"/*":
            return self._leave_comment(line, at)
        if self.inside == b"E'":
            return self._leave_escaped(line, at)
        end = line.find(self.inside, at)
        if end < 0:
            return None
        end += len(self.inside)
        # A doubled quote leaves and enters again, which comes to the same.
        self.inside = b""
        return end, False

    def _leave_escaped(self, line: bytes, at: int) -> tuple[int, bool] | None:
        found = re.compile(rb"\\.|''|'", re.DOTALL).search(line, at)
        if found is None:
            return None
        if found[0] == b"'":
            self.inside = b""
        return found.end(), False

    def _leave_comment(self, line: bytes, at: int) -> tuple[int, bool] | None:
        found = _COMMENT.search(line, at)
        if found is None:
            return None
        self.depth += 1 if found[0] == b"/*" else -1
        if self.depth == 0:
            self.inside = b""
        return found.end(), False


def pieces(lines: Iterable[bytes]) -> Iterator[Piece]:
    """What is wanted of a dump, in its order; a COPY's data has to be read before the next piece is asked for.

    Raises:
        ImportRefusedError: it begins another database, or isn't plain SQL.
    """
    source = iter(lines)
    scanner = _Scanner()
    for line in source:
        if scanner.is_between and line.startswith(b"\\"):
            _refuse_connect(line)
            continue
        for whole in scanner.feed(line):
            statement = _without_comments(whole)
            if ANY_COPY.match(statement):
                yield from _copied(statement, source)
            elif any(one.match(statement) for one in PARTS):
                raise ImportRefusedError(_told("has a table of several parts", statement))
            elif any(one.match(statement) for one in WANTED):
                yield Piece(statement)


def _copied(statement: bytes, source: Iterator[bytes]) -> Iterator[Piece]:
    data = _data(source)
    if COPY.match(statement):
        yield Piece(statement, data)
    elif UNREAD_COPY.match(statement):
        raise ImportRefusedError(_told("has rows in a form that is not pg_dump's", statement))
    # What nobody has read, or wanted, is not to be taken for statements.
    for _line in data:
        pass


def _told(found: str, statement: bytes) -> str:
    begins = statement[:200].decode(errors="replace").strip()
    return f"The dump {found}: restore it into an empty database yourself, and name that with --from.\n  {begins}"


def _data(source: Iterator[bytes]) -> Iterator[bytes]:
    for line in source:
        if line.rstrip(b"\r\n") == END_OF_DATA:
            return
        yield line
    raise ImportRefusedError("The dump ends in the middle of a table's rows: it is not whole.")


def _refuse_connect(line: bytes) -> None:
    if re.match(rb"\\c(?:onnect)?\b", line):
        message = "The dump is of several databases (pg_dumpall, or --create): dump the one alone."
        raise ImportRefusedError(message)


def _without_comments(statement: bytes) -> bytes:
    """Without what stands before its first word."""
    at = 0
    while (found := _BEFORE.match(statement, at)) is not None:
        at = found.end()
        if found[0] == b"/*":
            depth = 1
            while depth and (mark := _COMMENT.search(statement, at)) is not None:
                depth += 1 if mark[0] == b"/*" else -1
                at = mark.end()
    return statement[at:]
