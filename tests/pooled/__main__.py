"""`make test-pgbouncer`: tests on real connections, run through PgBouncer in transaction mode.

What they do themselves goes through the pooler, and so do the web servers that they start. PostgreSQL, the pooler and
the databases are this run's own, and gone afterwards.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from orgbilling.embedded.cluster import THROW_AWAY_SETTINGS
from orgbilling.embedded.server import NAME, Server
from tests.plugin_postgres import PREFIX
from tests.pooled.pooler import ROOT, pooling, settle
from tests.programs import SEARCHED

#: More than any test's locks hold at once, and far fewer than the callers.
CONNECTIONS = 20
#: What commits on many connections.
EVERYTHING = ("tests/concurrency",)
#: Hours pass there by a session's own clock, which a pooler of transactions gives to whoever comes next.
BY_A_CLOCK = (
    "test_every_mutator.py",
    "test_ten_years.py",
    "test_resets.py",
    "test_mixed_operations.py",
    "test_storms.py::test_capture_release_and_expiry_settle_each_of_1000_holds_once",
)


def run(program: str, arguments: Sequence[str]) -> int:
    """Run pytest with these arguments; returns its exit status."""
    home = Path(tempfile.mkdtemp(prefix=PREFIX + "pooled-"))
    server = Server(home, THROW_AWAY_SETTINGS)
    try:
        server.acquire()
        settle(server)
        with pooling(program, home / "pooler", server.sockets, NAME, CONNECTIONS) as pooler:
            environment = {
                **os.environ,
                "DATABASE_URL": pooler.url(NAME),
                "DB_POOLER": "true",
                "UNPOOLED_URL": server.url,
            }
            # The pooler keeps connections, so that nobody could drop the database: it goes with the server.
            command = [sys.executable, "-m", "pytest", "-q", "--reuse-db", *arguments]
            command += [f"--deselect=tests/concurrency/{name}" for name in BY_A_CLOCK]
            return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    finally:
        server.release()
        shutil.rmtree(home, ignore_errors=True)


def main() -> int:
    """Run what is asked for on the command line, else everything; 2 without PgBouncer."""
    program = shutil.which("pgbouncer", path=SEARCHED)
    if program is None:
        sys.stderr.write("pgbouncer is missing. Debian: apt-get install pgbouncer\n")
        return 2
    return run(program, sys.argv[1:] or EVERYTHING)


if __name__ == "__main__":
    sys.exit(main())
