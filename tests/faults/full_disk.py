"""PostgreSQL on a small disk of its own (tmpfs), which somebody fills and empties again."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orgbilling.embedded.server import Server
from tests.faults.stage import Stage, staged

SIZE = "400m"
CHUNK = b"\0" * 64 * 1024
# Left when it counts as full: PostgreSQL works in pages of 8 KiB.
BALLAST = "ballast"


@contextmanager
def staged_on_a_small_disk() -> Iterator[Stage]:
    """A stage whose cluster lies on a disk of its own. It takes root to mount one; raises RuntimeError without."""
    with staged(prepare=_move_to_a_small_disk) as stage:
        try:
            yield stage
        finally:
            stage.close()
            _run("umount", str(stage.home / "pg"))


def filled(stage: Stage) -> Iterator[None]:
    """Nothing more can be written beside the cluster's files."""
    ballast = stage.home / "pg" / BALLAST
    with ballast.open("wb", buffering=0) as file:
        fill(file.fileno())
        yield
    ballast.unlink()


def fill(handle: int) -> None:
    """Write until there is no room for a page."""
    chunk = CHUNK
    while chunk:
        try:
            os.write(handle, chunk)
        except OSError:
            chunk = chunk[: len(chunk) // 2] if len(chunk) > 4096 else b""


def _move_to_a_small_disk(home: Path) -> None:
    server = Server(home)
    server.acquire()
    server.release()
    cluster, aside = home / "pg", home / "pg.aside"
    cluster.rename(aside)
    cluster.mkdir(mode=0o700)
    _run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(cluster))
    shutil.copytree(aside, cluster, dirs_exist_ok=True, symlinks=True)
    shutil.rmtree(aside)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command)}: {done.stderr.strip()} (a disk of its own takes root)"
        )
