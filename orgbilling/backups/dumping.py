"""A backup: a dump of one snapshot, checked, and counted only when all of it is on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import cast

from django.conf import settings
from psycopg import IsolationLevel

from billing.choices import BackupKind
from billing.models import BackupRun
from orgbilling.backups import folder, locks, target
from orgbilling.backups.errors import BackupError
from orgbilling.backups.folder import Backup
from orgbilling.backups.manifest import Manifest
from orgbilling.backups.position import position_of
from orgbilling.backups.programs import Programs, programs_for
from orgbilling.backups.target import Connection
from orgbilling.lib.clock import now

#: How long the dump waits for a table that a migration has locked.
LOCK_WAIT = "60s"


def back_up(say: Callable[[str], object] = lambda _text: None) -> BackupRun:
    """Make a backup, then delete those that are outlived. Blocks nobody but migrations.

    Raises:
        Busy: one is being made.
        BackupError: it could not be made; the run says why too.
    """
    with target.connect() as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            locks.take_in_transaction(connection, locks.BACKUP, "backup")
            BackupRun.objects.give_up(BackupKind.BACKUP)
            run = BackupRun.objects.begin(BackupKind.BACKUP)
            try:
                folder.remove_unfinished(target.name())
                backup = _make(connection, run)
                removed = _retire()
            except BaseException as exc:
                BackupRun.objects.fail(run, detail=str(exc) or repr(exc))
                raise
    facts = backup.manifest
    say(f"{backup.path}: {facts.bytes:,} bytes in {facts.seconds:.1f} s")
    for one in removed:
        say(f"Deleted, as outlived: {one.path.name}")
    return BackupRun.objects.succeed(
        run,
        file_name=facts.file_name,
        bytes=facts.bytes,
        sha256=facts.sha256,
        ledger_position=facts.position,
    )


def _make(connection: Connection, run: BackupRun) -> Backup:
    began = time.monotonic()
    as_of, snapshot, server = _snapshot(connection)
    position = position_of(connection)
    migrations = _migrations(connection)
    programs = programs_for(server)
    path = folder.folder() / (
        f"{folder.stem(target.name())}-{as_of:%Y%m%dT%H%M%SZ}-{run.pk.hex[-8:]}{folder.DUMP}"
    )
    with folder.draft(path) as file:
        programs.run(
            "pg_dump",
            "--format=custom",
            "--no-password",
            "--no-unlogged-table-data",
            f"--lock-wait-timeout={LOCK_WAIT}",
            f"--snapshot={snapshot}",
            env=target.environment(),
            stdout=file,
        )
        _check(programs, file.name, position.keys())
    return folder.publish(
        path,
        Manifest(
            run_id=str(run.pk),
            database=target.name(),
            file_name=path.name,
            as_of=as_of,
            position=position,
            migrations=migrations,
            server=server,
            pg_dump=programs.version,
            bytes=path.stat().st_size,
            sha256=folder.sha256_of(path),
            seconds=round(time.monotonic() - began, 3),
        ),
    )


def _snapshot(connection: Connection) -> tuple[datetime, str, int]:
    """The transaction's instant, its snapshot for pg_dump, and the server's major version."""
    row = connection.execute("SELECT clock_timestamp(), pg_export_snapshot()").fetchone()
    as_of, snapshot = cast("tuple[datetime, str]", row)
    return as_of.astimezone(UTC), snapshot, connection.info.server_version // 10_000


def _migrations(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT app || '.' || name FROM django_migrations ORDER BY app, name")
    return [str(name) for (name,) in rows]


def _check(programs: Programs, file: str, tables: Iterable[str]) -> None:
    """Let pg_restore read the dump's table of contents.

    Raises:
        BackupError: it can't, or a table of the ledger is not in it.
    """
    contents = programs.run("pg_restore", "--list", file, env=target.environment())
    missing = [table for table in tables if f"TABLE DATA public {table} " not in contents]
    if missing:
        raise BackupError(f"The dump lacks {', '.join(missing)}: it is no backup of the ledger.")


def _retire() -> list[Backup]:
    found = folder.outlived(
        folder.backups(target.name()),
        now=now(),
        days=settings.BACKUP_KEEP_DAYS,
        last=settings.BACKUP_KEEP_LAST,
    )
    for one in found:
        one.delete()
    return found
