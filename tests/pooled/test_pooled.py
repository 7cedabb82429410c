"""The short form of `make test-pgbouncer`: exact sums, keys and locks are the same through a pooler of transactions."""

import subprocess
import sys

from tests.pooled.pooler import ROOT
from tests.programs import needed

SHORT = ("test_charges", "test_keyed_requests", "test_deadlocks")
ENDED_WITHIN_SECONDS = 300


def test_races_end_the_same_through_pgbouncer():
    needed("pgbouncer", "pgbouncer")
    done = subprocess.run(
        [sys.executable, "-m", "tests.pooled", *(f"tests/concurrency/{name}.py" for name in SHORT)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=ENDED_WITHIN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "failed" not in done.stdout
