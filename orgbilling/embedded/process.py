"""Questions about other processes, answered without ever guessing."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path


def taken(pid: int) -> bool:
    """Tells whether the number belongs to any process, be it a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def alive(pid: int) -> bool:
    """Tells whether the process runs; a zombie is dead."""
    if not taken(pid):
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] != "Z"


def may_serve(pid: int, folder: Path) -> bool:
    """Tells whether the process could be a postmaster on this data folder.

    True unless it is proven otherwise: it is dead, or another program, or at work elsewhere (a
    postmaster's working folder is its data folder).
    """
    if not alive(pid):
        return False
    if "postgres" not in _program(pid):
        return False
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder
    except OSError:
        return True


def at_work_in(folder: Path) -> list[int]:
    """Returns the live processes whose working folder it is (none where there is no /proc)."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if link.readlink() == folder:
                found.append(int(link.parent.name))
    return found


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8")
    except OSError:
        command = ["ps", "-o", "comm=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
