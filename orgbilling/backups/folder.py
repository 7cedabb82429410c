"""The folder of backups: a dump counts once its manifest lies beside it, and that is written last.

So whatever is killed leaves a file that doesn't count, and the next backup removes it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from django.conf import settings

from orgbilling.backups import manifest
from orgbilling.backups.errors import BackupError
from orgbilling.backups.manifest import Manifest

DUMP: Final = ".dump"
MANIFEST: Final = ".dump.json"
CHECKSUM: Final = ".dump.sha256"
#: Of what is being written.
DRAFT: Final = ".partial"
MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Backup:
    """A dump and what its manifest says."""

    path: Path
    manifest: Manifest

    def verify(self) -> None:
        """Read the whole dump.

        Raises:
            BackupError: it isn't what the manifest says.
        """
        found = sha256_of(self.path)
        if found != self.manifest.sha256:
            message = (
                f"{self.path} is damaged: its SHA-256 is {found}, and was {self.manifest.sha256} when it "
                "was made. Take another backup's file, or another copy of this one."
            )
            raise BackupError(message)

    def delete(self) -> None:
        """Remove it; what is left of it half-way doesn't count."""
        for path in (beside(self.path, MANIFEST), beside(self.path, CHECKSUM), self.path):
            path.unlink(missing_ok=True)


def folder() -> Path:
    """BACKUP_DIR, made if need be, for its owner alone.

    Raises:
        BackupError: it can't be made.
    """
    path = Path(settings.BACKUP_DIR)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise BackupError(f"BACKUP_DIR {path} can't be made: {exc.strerror}.") from exc
    return path


def stem(database: str) -> str:
    """How the files of a database's backups begin."""
    return re.sub(r"[^\w.-]", "_", database)


def beside(dump: Path, suffix: str) -> Path:
    """The file that belongs to a dump."""
    return dump.with_name(dump.name.removesuffix(DUMP) + suffix)


def backups(database: str) -> list[Backup]:
    """The good backups of a database, newest first: with a manifest, and as long as it says."""
    found = []
    for path in folder().glob(f"{stem(database)}-*{MANIFEST}"):
        with suppress(BackupError, OSError):
            facts = manifest.read(path)
            dump = path.with_name(facts.file_name)
            if facts.database == database and dump.stat().st_size == facts.bytes:
                found.append(Backup(dump, facts))
    return sorted(found, key=lambda one: one.manifest.as_of, reverse=True)


def named(file: str) -> Backup:
    """The backup of that path, or of that name in the folder.

    Raises:
        BackupError: there is none, or it has no manifest or another length.
    """
    path = Path(file)
    if not path.exists() and path.name == file:
        path = folder() / file
    if not path.exists() or not path.name.endswith(DUMP):
        there = ", ".join(one.name for one in sorted(folder().glob(f"*{DUMP}"))) or "none"
        raise BackupError(f"There is no backup {file}. In {folder()}: {there}.")
    facts = manifest.read(beside(path, MANIFEST))
    if path.stat().st_size != facts.bytes:
        message = (
            f"{path} has {path.stat().st_size:,} bytes, and had {facts.bytes:,} when it was made: "
            "it was cut off or changed. Take another one."
        )
        raise BackupError(message)
    return Backup(path, facts)


@contextmanager
def draft(path: Path) -> Iterator[BinaryIO]:
    """A new file for its owner alone that gets its name when all of it is on the disk, or never."""
    unfinished = path.with_name(path.name + DRAFT)
    unfinished.touch(mode=MODE, exist_ok=False)
    try:
        with unfinished.open("r+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        _sync(path.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def publish(dump: Path, facts: Manifest) -> Backup:
    """Let a dump count: its checksum, then its manifest."""
    with draft(beside(dump, CHECKSUM)) as file:
        file.write(f"{facts.sha256}  {dump.name}\n".encode())
    with draft(beside(dump, MANIFEST)) as file:
        file.write(facts.text().encode())
    return Backup(dump, facts)


def remove_unfinished(database: str) -> None:
    """Remove what killed backups of this database left. Only for who keeps others from making one."""
    for path in folder().glob(f"{stem(database)}-*"):
        whole = path.name.endswith((DUMP, CHECKSUM)) and (
            path.with_name(path.name.removesuffix(".sha256") + ".json").exists()
        )
        if not whole and path.name.endswith((DRAFT, DUMP, CHECKSUM)):
            path.unlink(missing_ok=True)


def outlived(found: Iterable[Backup], *, now: datetime, days: int, last: int) -> list[Backup]:
    """Those that are older than so many days and not among the last so many (1 or more)."""
    newest = sorted(found, key=lambda one: one.manifest.as_of, reverse=True)
    return [
        one for one in newest[max(1, last) :] if one.manifest.as_of < now - timedelta(days=days)
    ]


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
