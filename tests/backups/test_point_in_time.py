"""Point-in-time recovery on a real cluster: a base backup and the archived log lead to between two transactions."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from orgbilling.embedded.cluster import Cluster
from orgbilling.embedded.errors import ToolFailed
from orgbilling.embedded.server import Server

NAME = "ledger"
WITHIN_SECONDS = 60


def settings_of(archive: Path) -> dict[str, str]:
    return {
        "fsync": "off",
        "wal_level": "replica",
        "archive_mode": "on",
        # As the documentation has it: never over a file that is there already.
        "archive_command": f"test ! -f {archive}/%f && cp %p {archive}/%f",
        "max_wal_senders": "4",
    }


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "archive"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def primary(tmp_path: Path, archive: Path) -> Iterator[Cluster]:
    cluster = Server(tmp_path / "primary", settings_of(archive)).cluster()
    os.chown(archive, cluster.identity.uid, -1)
    (tmp_path / "primary").mkdir(mode=0o700)
    cluster.create()
    cluster.start()
    try:
        cluster.provide(NAME)
        yield cluster
    finally:
        cluster.stop()


def recovered(tmp_path: Path, primary: Cluster, archive: Path, until: str) -> Cluster:
    """The base backup, told to replay the archive up to there."""
    home = tmp_path / "recovered"
    there = Server(home).cluster()
    settings = {
        "fsync": "off",
        "restore_command": f"cp {archive}/%f %p",
        "recovery_target_name": until,
        "recovery_target_action": "promote",
    }
    cluster = replace(there, settings=settings)
    shutil.copytree(tmp_path / "base", cluster.data, dirs_exist_ok=True)
    (cluster.data / "recovery.signal").touch()
    shutil.copymode(primary.data, cluster.data)
    return cluster


def base_backup(primary: Cluster, folder: Path) -> None:
    for tool in (
        [
            "pg_basebackup",
            "-h",
            str(primary.sockets),
            "-U",
            "postgres",
            "-D",
            str(folder),
            "-X",
            "none",
            "-c",
            "fast",
        ],
        ["pg_verifybackup", "--no-parse-wal", str(folder)],
    ):
        done = subprocess.run(
            [primary.binaries.tool(tool[0]), *tool[1:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def write(primary: Cluster, marker: str) -> None:
    with primary.connect(NAME) as connection:
        connection.execute("INSERT INTO markers VALUES (%s)", [marker])


def archived(primary: Cluster, archive: Path) -> str:
    """Switch to the next segment of the log; once the one before is in the archive, its name."""
    with primary.connect(NAME) as connection:
        (name,) = connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()
        connection.execute("SELECT pg_switch_wal()")
        while not (archive / name).exists():
            connection.execute("SELECT pg_sleep(0.02)")
    return name


def came_back(cluster: Cluster) -> bool:
    """Whether recovery came to its end; False when the server ended instead."""
    deadline = time.monotonic() + WITHIN_SECONDS
    with suppress(ToolFailed):
        cluster.start()
    while cluster.postmaster() is not None:
        with suppress(psycopg.OperationalError), cluster.connect() as connection:
            if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,):
                return True
        assert time.monotonic() < deadline, cluster.log.read_text()
        time.sleep(0.02)
    return False


def test_recovery_lands_between_two_transactions(tmp_path, primary, archive):
    with primary.connect(NAME) as connection:
        connection.execute("CREATE TABLE markers (name text PRIMARY KEY)")
    base_backup(primary, tmp_path / "base")
    write(primary, "before")
    first = archived(primary, archive)
    with primary.connect(NAME) as connection:
        connection.execute("SELECT pg_create_restore_point('between')")
    write(primary, "after")
    archived(primary, archive)
    primary.stop()

    cluster = recovered(tmp_path, primary, archive, "between")
    assert came_back(cluster)
    try:
        with cluster.connect(NAME) as connection:
            found = connection.execute("SELECT name FROM markers").fetchall()
            # It goes on from there, on a time line of its own.
            connection.execute("INSERT INTO markers VALUES ('since')")
    finally:
        cluster.stop()
    assert found == [("before",)]

    shutil.rmtree(cluster.data)
    (archive / first).unlink()
    cluster = recovered(tmp_path, primary, archive, "between")
    assert not came_back(cluster)
    assert "recovery ended before configured recovery target was reached" in cluster.log.read_text()
