"""What is asked of a restored database, each time of a process of its own that has it for its settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from orgbilling.backups.errors import BackupError
from orgbilling.backups.folder import Backup
from orgbilling.backups.proof import Report

LINES = 8
#: What else says where the database is, and as whom: the URL of the restored one says all of it.
SAID_BY_URL = frozenset({"DATABASE_URL_FILE", "DATABASE_PASSWORD", "DATABASE_PASSWORD_FILE"})


def migrate(url: str) -> None:
    """Bring a database up to this release.

    Raises:
        BackupError: a migration failed.
    """
    _run([sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"], url)


def prove(url: str, backup: Backup, *, restore_started_at: datetime | None = None) -> Report:
    """Prove a database (see orgbilling.backups.proof).

    Args:
        restore_started_at: it shall stay, so write down in it that it was restored, and from what.

    Raises:
        BackupError: it could not be looked at.
    """
    known = None if restore_started_at is None else _to_settle(backup, restore_started_at)
    facts = {"as_of": backup.manifest.as_of.isoformat(), "settle": known}
    report: Report = json.loads(
        _run([sys.executable, "-m", "orgbilling.backups.proof"], url, facts)
    )
    return report


def _to_settle(backup: Backup, restore_started_at: datetime) -> dict[str, Any]:
    facts = backup.manifest
    return {
        "backup": {
            "started_at": facts.as_of.isoformat(),
            "finished_at": (facts.as_of + timedelta(seconds=facts.seconds)).isoformat(),
            "milliseconds": round(facts.seconds * 1000),
            "file_name": facts.file_name,
            "bytes": facts.bytes,
            "sha256": facts.sha256,
            "ledger_position": facts.position,
        },
        "restore_started_at": restore_started_at.isoformat(),
    }


def wrong_in(report: Report) -> list[str]:
    """What makes a restored database unfit; nothing, when it is sound."""
    found = [f"not in place: {one}" for one in report["missing_in_schema"]]
    found += [f"not applied: {one}" for one in report["migrations_missing"]]
    found += [f"broken: {one}" for one in report["broken"]]
    return found + ([report["failed"]] if report["failed"] else [])


def _run(command: list[str], url: str, facts: dict[str, Any] | None = None) -> str:
    env = {name: value for name, value in os.environ.items() if name not in SAID_BY_URL}
    env |= {"DATABASE_URL": url}
    done = subprocess.run(
        command,
        cwd=Path(settings.BASE_DIR),
        env=env,
        input=json.dumps(facts or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = "\n".join(done.stderr.strip().splitlines()[-LINES:])
        raise BackupError(f"{' '.join(command[1:])} failed: {said}")
    return done.stdout
