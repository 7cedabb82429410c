"""A restore: beside the database that there is, proved, and swapped by two renames that commit together.

Whatever is killed, at any line: there is one whole database of the service's name, the old one or the new.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import psycopg
from psycopg import sql

from billing.choices import BackupKind
from billing.models import BackupRun
from orgbilling.backups import folder, inside, locks, releases, scratch, target
from orgbilling.backups.errors import BackupError
from orgbilling.backups.folder import Backup
from orgbilling.backups.position import Position, ahead, not_in, position_of
from orgbilling.backups.programs import programs_for
from orgbilling.backups.target import Connection
from orgbilling.lib.clock import now

Say = Callable[[str], object]

#: PostgreSQL waits five seconds in each for whoever connected meanwhile.
SWAPS: Final = 6
LEAVING_SECONDS: Final = 3
#: So many of those who are connected are named.
NAMED: Final = 5
POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Options:
    """How to restore.

    `force`: over a ledger that is newer than the backup, or another one. `disconnect`: end the connections of
    others when it comes to the swap, instead of refusing. `privileges`: restore what other roles were granted.
    """

    force: bool = False
    disconnect: bool = False
    privileges: bool = True


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and where the former database is now (None: there was none)."""

    backup: Backup
    before: str | None
    seconds: float


def restore(file: str, options: Options, say: Say = lambda _text: None) -> Restored:
    """Put a backup in the place of the service's database, whose former state stays beside it.

    Raises:
        Busy: another restore is at work.
        BackupError: refused, or not done; the database is as it was.
    """
    backup = folder.named(file)
    began = time.monotonic()
    started_at = now()
    backup.verify()
    say(f"{backup.path.name}: checksum right, as of {backup.manifest.as_of.isoformat()}")
    releases.refuse_newer(backup)
    try:
        with target.connect(target.MAINTENANCE) as maintenance:
            locks.take(maintenance, locks.RESTORE, "restore", target.name())
            there = _exists(maintenance, target.name())
            if there:
                _refuse_newer_ledger(backup, options)
                _refuse_company(maintenance, options)
            before = _replace(maintenance, backup, options, started_at, say, there=there)
    except BackupError as exc:
        _note_failure(backup, started_at, str(exc))
        raise
    return Restored(backup, before, time.monotonic() - began)


def _refuse_newer_ledger(backup: Backup, options: Options, *, there: bool = True) -> None:
    if options.force or not there:
        # What is there may be damaged so that it can't even be read: then this is what helps.
        return
    with target.connect() as current:
        newer = ahead(_readable_position(current), backup.manifest.position)
    if newer:
        message = (
            f"The ledger is newer than {backup.path.name}: {'; '.join(newer)}. A restore would lose that. "
            "Take a newer backup, recover to a point in time, or say --force if that is meant; "
            "the ledger as it is now is kept beside in any case."
        )
        raise BackupError(message)


def _readable_position(current: Connection) -> Position:
    try:
        return position_of(current)
    except psycopg.Error as exc:
        message = (
            f"How far the ledger of {target.name()} is can't be read: {exc}. If it is damaged, say --force; "
            "it is kept beside in any case."
        )
        raise BackupError(message) from exc


def _refuse_company(maintenance: Connection, options: Options) -> None:
    target.release()
    deadline = time.monotonic() + LEAVING_SECONDS
    # Whoever has just said goodbye, we among them, is still there for a moment.
    while (others := _others(maintenance)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    if others and not options.disconnect:
        names = sorted(set(others))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        message = (
            f"Others are connected to {target.name()}: {', '.join(names[:NAMED])}{more}. "
            "Stop the web server and the worker first, or say --disconnect to end their connections; "
            "they would find the restored database by themselves."
        )
        raise BackupError(message)


def _replace(
    maintenance: Connection,
    backup: Backup,
    options: Options,
    started_at: datetime,
    say: Say,
    *,
    there: bool,
) -> str | None:
    server = maintenance.info.server_version // 10_000
    if server < backup.manifest.server:
        message = (
            f"The backup is of PostgreSQL {backup.manifest.server}, and this server is {server}: "
            "restore it on that version or a newer one."
        )
        raise BackupError(message)
    programs = programs_for(max(server, backup.manifest.pg_dump))
    with scratch.database(maintenance, "restore") as name:
        restoring = time.monotonic()
        env = target.environment(name)
        scratch.fill(programs, backup, name, privileges=options.privileges, env=env)
        say(f"restored into {name} ({time.monotonic() - restoring:.1f} s)")
        if there:
            _refuse_other_ledger(name, options)
        _make_sound(backup, name, started_at, say)
        target.release()
        before = scratch.derived("before_restore", f"{started_at:%Y%m%dT%H%M%S}") if there else None
        _swap(maintenance, backup, name, before, options)
    say(f"{target.name()} is the restored one now")
    return before


def _make_sound(backup: Backup, name: str, started_at: datetime, say: Say) -> None:
    url = target.url(name)
    releases.bring_up(backup, url, say)
    report = inside.prove(url, backup, restore_started_at=started_at)
    if wrong := inside.wrong_in(report):
        raise BackupError(f"What {backup.path.name} holds is not sound: {'; '.join(wrong)}")
    verified = report["seconds"]["verify_ledger"]
    say(f"{report['equations']} equations hold ({verified:.1f} s); smoke test: {report['smoke']}")
    with target.connect(name) as connection:
        # Without statistics the first charges would be planned as if the tables were empty.
        connection.execute("ANALYZE")


def _refuse_other_ledger(name: str, options: Options) -> None:
    if options.force:
        return
    with target.connect() as current, target.connect(name) as restored:
        strange = not_in(_readable_position(current), restored)
    if strange:
        message = (
            f"The newest rows of {', '.join(strange)} are not in the backup: it is of another ledger than "
            f"{target.name()}, or the two went different ways. Say --force if that is meant."
        )
        raise BackupError(message)


def _swap(
    maintenance: Connection, backup: Backup, name: str, before: str | None, options: Options
) -> None:
    for attempt in range(1, SWAPS + 1):
        try:
            if options.disconnect:
                maintenance.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = %s AND usesysid IS NOT NULL",
                    [target.name()],
                )
            # Somebody may have charged while it was restored and proved. Whoever does so after this is connected,
            # so that the renames fail and all is asked again.
            _refuse_newer_ledger(backup, options, there=before is not None)
            with maintenance.transaction():
                if before is not None:
                    _rename(maintenance, target.name(), before)
                _rename(maintenance, name, target.name())
        except psycopg.errors.ObjectInUse as exc:
            if attempt == SWAPS or not options.disconnect:
                message = (
                    f"{exc.diag.message_primary}: {exc.diag.message_detail} Nothing was changed. "
                    "Stop whatever uses it, or say --disconnect."
                )
                raise BackupError(message) from exc
        except psycopg.errors.InsufficientPrivilege as exc:
            message = (
                f"{exc.diag.message_primary}: a restore takes the owner of {target.name()}, with CREATEDB, "
                "and with pg_signal_backend if it shall end the connections of other roles."
            )
            raise BackupError(message) from exc
        else:
            return


def _rename(maintenance: Connection, old: str, new: str) -> None:
    maintenance.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
    )


def _exists(maintenance: Connection, name: str) -> bool:
    found = maintenance.execute("SELECT FROM pg_database WHERE datname = %s", [name])
    return found.fetchone() is not None


def _others(maintenance: Connection) -> list[str]:
    """Who is connected to the service's database, by the name they gave or their number."""
    rows = maintenance.execute(
        "SELECT coalesce(nullif(application_name, ''), 'process ' || pid) FROM pg_stat_activity"
        " WHERE datname = %s AND usesysid IS NOT NULL",
        [target.name()],
    )
    return [str(name) for (name,) in rows]


def _note_failure(backup: Backup, started_at: datetime, detail: str) -> None:
    """Keep why it failed in the database that there is, if there is one that can keep it."""
    try:
        run = BackupRun.objects.begin(BackupKind.RESTORE, file_name=backup.path.name)
        run.started_at = started_at.astimezone(UTC)
        BackupRun.objects.fail(run, detail=detail)
    except Exception:  # noqa: BLE001 - the restore's own failure is what has to be heard
        return
