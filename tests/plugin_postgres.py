"""Gives each pytest session a PostgreSQL of its own, before Django reads its settings.

With DATABASE_URL set that server is used instead. xdist's workers inherit the controller's.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from orgbilling.embedded.cluster import THROW_AWAY_SETTINGS
from orgbilling.embedded.server import Server

PREFIX = "orgbilling-tests-"
# A folder younger than this may belong to a session that is only just starting.
ABANDONED_AFTER_SECONDS = 300

running = pytest.StashKey[Server]()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config,
) -> Generator[None, None, None]:
    """Runs before pytest-django's own hook, which imports the settings."""
    # Tests of logs ask for more themselves; the others would keep a line for each charge.
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    # A crowd on a busy machine may wait for its turn: only what is about waiting has less patience.
    os.environ.setdefault("REQUEST_WAIT_MS", "60000")
    if not os.environ.get("DATABASE_URL"):
        remove_abandoned()
        server = Server(Path(tempfile.mkdtemp(prefix=PREFIX)), THROW_AWAY_SETTINGS)
        early_config.stash[running] = server
        early_config.add_cleanup(lambda: discard(server))
        server.acquire()
        os.environ["DATABASE_URL"] = server.url
    yield


def discard(server: Server) -> None:
    """Stops the session's server and removes all that it wrote."""
    server.release()
    shutil.rmtree(server.home, ignore_errors=True)


def remove_abandoned() -> None:
    """Does the same for sessions that were killed."""
    for home in Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        found = home.stat()
        old = time.time() - found.st_mtime > ABANDONED_AFTER_SECONDS
        server = Server(home)
        if old and found.st_uid == os.getuid() and server.stop_unused():
            shutil.rmtree(home, ignore_errors=True)
