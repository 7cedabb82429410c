"""A drill: the newest backup is restored beside the service, proved, and thrown away."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from billing.choices import BackupKind
from billing.models import BackupRun
from orgbilling.backups import folder, inside, locks, releases, scratch, target
from orgbilling.backups.errors import BackupError
from orgbilling.backups.folder import Backup
from orgbilling.backups.programs import programs_for
from orgbilling.embedded.cluster import THROW_AWAY_SETTINGS
from orgbilling.embedded.server import NAME, Server

Say = Callable[[str], object]


def drill(
    file: str | None = None, *, apart: bool = False, say: Say = lambda _text: None
) -> BackupRun:
    """Restore a backup into a scratch database, prove it, drop it, and keep what was found.

    Args:
        file: which backup; the newest good one when left out.
        apart: on a PostgreSQL of its own, started for it and thrown away, instead of the service's server.

    Raises:
        Busy: another drill is at work.
        BackupError: it can't be restored, or what was restored is not sound.
    """
    with target.connect() as connection:
        locks.take(connection, locks.DRILL, "drill")
        server = connection.info.server_version // 10_000
        BackupRun.objects.give_up(BackupKind.RESTORE_DRILL)
        run = BackupRun.objects.begin(BackupKind.RESTORE_DRILL, file_name=Path(file or "").name)
        try:
            backup = folder.named(file) if file else _newest()
            detail = _rehearse(backup, server, apart=apart, say=say)
        except BaseException as exc:
            BackupRun.objects.fail(run, detail=str(exc) or repr(exc))
            raise
    facts = backup.manifest
    return BackupRun.objects.succeed(
        run,
        detail=detail,
        file_name=facts.file_name,
        bytes=facts.bytes,
        sha256=facts.sha256,
        ledger_position=facts.position,
    )


def _newest() -> Backup:
    found = folder.backups(target.name())
    if not found:
        raise BackupError(
            f"There is no backup in {folder.folder()}: make one with manage.py backup."
        )
    return found[0]


def _rehearse(backup: Backup, server: int, *, apart: bool, say: Say) -> str:
    began = time.monotonic()
    backup.verify()
    say(f"{backup.path.name}: checksum right ({time.monotonic() - began:.1f} s)")
    releases.refuse_newer(backup)
    programs = programs_for(max(server, backup.manifest.pg_dump))
    with _apart() if apart else _beside() as (name, url, env):
        restoring = time.monotonic()
        scratch.fill(programs, backup, name, privileges=False, env=env)
        restored = time.monotonic() - restoring
        say(f"restored into {name} ({restored:.1f} s)")
        releases.bring_up(backup, url, say)
        report = inside.prove(url, backup)
    if wrong := inside.wrong_in(report):
        raise BackupError(f"{backup.path.name} was restored, but is not sound: {'; '.join(wrong)}")
    verified = report["seconds"]["verify_ledger"]
    detail = (
        f"restored in {restored:.1f} s, {report['equations']} equations hold ({verified:.1f} s), "
        f"smoke test: {report['smoke']}"
    )
    say(detail)
    return detail


@contextmanager
def _beside() -> Iterator[tuple[str, str, dict[str, str]]]:
    with (
        target.connect(target.MAINTENANCE) as maintenance,
        scratch.database(maintenance, "drill") as name,
    ):
        yield name, target.url(name), target.environment(name)


@contextmanager
def _apart() -> Iterator[tuple[str, str, dict[str, str]]]:
    home = Path(tempfile.mkdtemp(prefix="orgbilling-drill-"))
    server = Server(home, THROW_AWAY_SETTINGS)
    try:
        server.acquire()
        env = {**target.environment(NAME), "PGHOST": str(server.sockets), "PGUSER": NAME}
        for name in ("PGPORT", "PGPASSWORD", "PGHOSTADDR", "PGSSLMODE"):
            env.pop(name, None)
        yield NAME, server.url, env
    finally:
        server.release()
        shutil.rmtree(home, ignore_errors=True)
