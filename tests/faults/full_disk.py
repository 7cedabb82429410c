"""PostgreSQL on a small disk of its own (tmpfs), which somebody fills and empties again."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orgbilling.embedded.server import Server
from tests.faults.stage import Stage

SIZE = "400m"
CLONE_NEWNS = 0x00020000
CHUNK = b"\0" * 64 * 1024
# PostgreSQL works in pages of 8 KiB.
TOO_LITTLE_BYTES = 4096


@contextmanager
def small_disk(home: Path) -> Iterator[None]:
    """The data folder's cluster lies on a disk of its own. It takes root; raises RuntimeError without.

    Nobody but this process and those that it starts sees the disk, so it goes with the last of them.
    """
    server = Server(home)
    server.acquire()
    server.release()
    cluster, aside = home / "pg", home / "pg.aside"
    cluster.rename(aside)
    cluster.mkdir(mode=0o700)
    if ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
        raise RuntimeError("A disk of its own takes root.")
    _run("mount", "--make-rprivate", "/")
    _run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(cluster))
    try:
        shutil.copytree(aside, cluster, dirs_exist_ok=True, symlinks=True)
        shutil.rmtree(aside)
        yield
    finally:
        _run("umount", str(cluster))


def filled(stage: Stage) -> Iterator[None]:
    """Nothing more can be written beside the cluster's files."""
    ballast = stage.home / "pg" / "ballast"
    with ballast.open("wb", buffering=0) as file:
        fill(file.fileno())
        yield
    ballast.unlink()


def fill(handle: int) -> None:
    """Write until there is no room for a page."""
    size = len(CHUNK)
    while size >= TOO_LITTLE_BYTES:
        try:
            os.write(handle, CHUNK[:size])
        except OSError:
            size //= 2


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
