"""The short form of `make faults`, and that it leaves nothing running."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from orgbilling.embedded.server import Server
from tests.faults.evidence import KINDS
from tests.faults.stage import ROOT, children

COMMAND = [sys.executable, "-m", "tests.faults", "--quick", "--seed", "20261124"]
ENDED_WITHIN_SECONDS = 300


@pytest.fixture
def folder():
    """Short, because a socket lies in it."""
    with tempfile.TemporaryDirectory(prefix="f-") as name:
        yield Path(name)


def test_nothing_is_lost_or_charged_twice(folder):
    report = folder / "report.json"
    done = subprocess.run(
        [*COMMAND, "--json", str(report)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=ENDED_WITHIN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    scenarios = json.loads(report.read_text())["scenarios"]
    killed = ["postgresql", "web", "requests", "commits"]
    assert [one["name"] for one in scenarios] == [
        *killed,
        "stopped",
        "frozen",
        "exhausted",
        "sigterm",
    ]
    # Nobody has to be told by hand that it is full.
    refused = {one["name"] for one in scenarios if "database_unavailable" in one["answers"]}
    assert refused >= {"stopped", "frozen", "exhausted"}
    assert all(one["faults"] and one["findings"]["acknowledged"] for one in scenarios)
    # Nothing that is never done is proved.
    assert {kind for one in scenarios for kind in one["findings"]["kinds"]} == set(KINDS)
    assert list(folder.iterdir()) == [report]


def test_a_killed_run_leaves_no_process(folder):
    run = subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with run:
        assert any(line.startswith("serving") for line in run.stdout)
        (home,) = folder.iterdir()
        started = [*descendants(run.pid), Server(home).cluster().postmaster()]
        handles = [os.pidfd_open(pid) for pid in started]
        run.send_signal(signal.SIGKILL)
    # The supervisor, the web server's master and its two workers, PostgreSQL.
    assert len(handles) >= 5
    for handle in handles:
        assert select.select([handle], [], [], 60)[0]
        os.close(handle)


def descendants(pid):
    return [one for child in children(pid) for one in (child, *descendants(child))]
