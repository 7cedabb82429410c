"""PostgreSQL's own programs: the ones that fit the server, and how they are run."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orgbilling.backups.errors import BackupError
from orgbilling.embedded.binaries import candidates

#: How much of what a program complains of is said again.
LINES = 8


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with pg_dump and pg_restore, and their major version."""

    folder: Path
    version: int

    def run(
        self, name: str, *arguments: str, env: dict[str, str], stdout: IO[bytes] | None = None
    ) -> str:
        """Run one of them and return what it printed, unless that went to a file.

        Raises:
            BackupError: it failed; with the end of what it said.
        """
        done = subprocess.run(
            [str(self.folder / name), *arguments],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-LINES:]
            raise BackupError(f"{name} failed ({done.returncode}): " + "\n".join(said))
        return (done.stdout or b"").decode(errors="replace")


def programs_for(version: int) -> Programs:
    """The programs of a major version, else the oldest that are newer.

    An older pg_dump can't read a newer server.

    Raises:
        BackupError: there are none, or older ones only.
    """
    found: dict[int, Programs] = {}
    for folder in candidates("pg_dump"):
        major = _version(folder)
        if major is not None:
            found.setdefault(major, Programs(folder, major))
    fitting = sorted(major for major in found if major >= version)
    if fitting:
        return found[fitting[0]]
    there = f"only version {max(found)} is here" if found else "none are here"
    message = (
        f"The server is PostgreSQL {version}, and it takes pg_dump and pg_restore of that version or "
        f"a newer one, but {there}: install the package postgresql-client-{version}, or name their "
        "folder in PG_BINDIR."
    )
    raise BackupError(message)


def _version(folder: Path) -> int | None:
    if not (folder / "pg_restore").exists():
        return None
    tool = str(folder / "pg_dump")
    try:
        done = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    match = re.search(r"\) (\d+)", done.stdout)
    return int(match[1]) if match is not None else None
