"""A dump of the source, put into a PostgreSQL of its own that ends with the import.

Nothing of it comes near the service's database: another server, in a folder of its own, reached through a socket
there, and a role that may neither read files nor run programs.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, cast

import psycopg

from orgbilling.embedded.binaries import candidates
from orgbilling.embedded.cluster import THROW_AWAY_SETTINGS
from orgbilling.embedded.errors import EmbeddedError
from orgbilling.embedded.server import Server
from orgbilling.importing.errors import ImportRefusedError
from orgbilling.importing.statements import Piece, pieces

Say = Callable[[str], object]

PREFIX: Final = "orgbilling-import-"
#: A folder younger than this may belong to an import that is only just starting.
ABANDONED_AFTER_SECONDS: Final = 300
PLAIN, ARCHIVE, GZIPPED = "plain", "archive", "gzipped"
#: What the tables' definitions may call and the source has from extensions, so that they aren't needed.
STAND_INS: Final = (
    "CREATE FUNCTION public.uuid_generate_v4() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'",
    "CREATE DOMAIN public.citext AS text",
)
#: Of one statement: a dump's own are far from it.
STATEMENT_TIMEOUT: Final = "SET statement_timeout = '10min'"


@contextmanager
def restored(path: Path, namespace: str, say: Say) -> Iterator[str]:
    """The URL of a database that holds the dump's tables, for as long as the block lasts.

    Raises:
        ImportRefusedError: it can't be read, or there are no PostgreSQL programs to restore it with.
    """
    kind = _kind(path)
    _remove_abandoned()
    server = Server(Path(tempfile.mkdtemp(prefix=PREFIX)), THROW_AWAY_SETTINGS)
    try:
        say(f"restoring {path.name} into a server of its own")
        try:
            server.acquire()
        except EmbeddedError as exc:
            message = (
                f"{exc} A dump is restored into a server of its own, which takes PostgreSQL's programs. Without them: "
                "restore it into an empty database yourself, and name that with --from."
            )
            raise ImportRefusedError(message) from exc
        with _lines(path, kind) as lines:
            _fill(server.url, namespace, lines)
        yield server.url
    finally:
        server.release()
        shutil.rmtree(server.home, ignore_errors=True)


def _fill(url: str, namespace: str, lines: Iterable[bytes]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (*STAND_INS, STATEMENT_TIMEOUT):
            connection.execute(statement)
        try:
            with suppress(psycopg.errors.DuplicateSchema, psycopg.errors.InsufficientPrivilege):
                connection.execute(
                    psycopg.sql.SQL("CREATE SCHEMA {}").format(psycopg.sql.Identifier(namespace))
                )
        except (psycopg.Error, ValueError) as exc:
            message = (
                f"--schema {namespace!r} can't be the schema of a dump's tables: {exc}".strip()
            )
            raise ImportRefusedError(message) from exc
        for piece in pieces(lines):
            _run(connection, piece)


def _run(connection: psycopg.Connection[Any], piece: Piece) -> None:
    try:
        if piece.data is None:
            connection.execute(piece.statement)
            return
        with connection.cursor() as cursor, cursor.copy(piece.statement) as copy:
            for line in piece.data:
                copy.write(line)
    except psycopg.errors.DuplicateSchema:
        return
    except psycopg.Error as exc:
        begins = piece.statement[:200].decode(errors="replace").strip()
        message = f"The dump can't be restored: {exc}\n  {begins}"
        raise ImportRefusedError(message) from exc


def _kind(path: Path) -> str:
    try:
        if path.is_dir():
            return ARCHIVE
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as exc:
        raise ImportRefusedError(f"{path} can't be read: {exc.strerror}.") from exc
    if head.startswith(b"PGDMP") or head[257:262] == b"ustar":
        return ARCHIVE
    return GZIPPED if head.startswith(b"\x1f\x8b") else PLAIN


@contextmanager
def _lines(path: Path, kind: str) -> Iterator[Iterable[bytes]]:
    """The dump as lines of plain SQL."""
    if kind == PLAIN:
        with path.open("rb") as file:
            yield file
    elif kind == GZIPPED:
        try:
            with gzip.open(path) as file:
                yield file
        except (OSError, EOFError, zlib.error) as exc:
            raise ImportRefusedError(f"{path} can't be unpacked: {exc}") from exc
    else:
        with _unpacked(path) as lines:
            yield lines


@contextmanager
def _unpacked(path: Path) -> Iterator[Iterable[bytes]]:
    """An archive as pg_restore writes it out, without a database."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [_pg_restore(), "--no-owner", "--no-privileges", "--file=-", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        output = cast("IO[bytes]", process.stdout)
        try:
            yield output
            for _rest in output:
                pass
            if process.wait() != 0:
                said.seek(0)
                told = said.read(2_000).decode(errors="replace").strip()
                raise ImportRefusedError(f"pg_restore can't read {path}: {told}")
        finally:
            output.close()
            process.kill()
            process.wait()


def _pg_restore() -> str:
    """The newest pg_restore there is: an older one can't read a newer dump.

    Raises:
        ImportRefusedError: there is none.
    """
    found = []
    for folder in candidates("pg_restore"):
        program = str(folder / "pg_restore")
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        words = done.stdout.split()
        if done.returncode == 0 and words:
            found.append((float(words[2].split("beta")[0].split("rc")[0]), program))
    if not found:
        message = "This dump takes pg_restore, which is not here: dump with --format=plain, or install it."
        raise ImportRefusedError(message)
    return max(found)[1]


def _remove_abandoned() -> None:
    """Stop and remove what a killed import left."""
    for home in Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        with suppress(OSError):
            found = home.stat()
            old = time.time() - found.st_mtime > ABANDONED_AFTER_SECONDS
            if old and found.st_uid == os.getuid() and Server(home).stop_unused():
                shutil.rmtree(home, ignore_errors=True)
