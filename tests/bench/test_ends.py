"""A bench that is killed leaves nothing: no server, no load, no data."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orgbilling.embedded.process import alive, at_work_in

GONE_WITHIN_SECONDS = 60
BENCH = """
import sys, time
from pathlib import Path
from bench.ground import ground
from bench.plan import QUICK
from bench.programs import own_module, start
from orgbilling.supervisor.signals import Stopped, StopSignals

StopSignals().install()
try:
    with ground(QUICK, Path(sys.argv[1])) as own:
        idle = start(own_module("idle"))
        idle.stdout.readline()
        print(own.server.cluster().postmaster(), idle.pid, own.folder, flush=True)
        time.sleep(600)
except Stopped:
    sys.exit(1)
"""


@pytest.mark.parametrize("order", [signal.SIGKILL, signal.SIGTERM])
def test_everything_ends_with_the_bench(order, tmp_path):
    bench = subprocess.Popen(
        [sys.executable, "-c", BENCH, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        # A terminal's Ctrl-C would be this session's.
        start_new_session=True,
    )
    assert bench.stdout is not None
    postmaster, idle, folder = bench.stdout.readline().split()
    assert alive(int(postmaster))
    assert alive(int(idle))
    os.kill(bench.pid, order)
    bench.wait()
    bench.stdout.close()
    deadline = time.monotonic() + GONE_WITHIN_SECONDS
    while remains(int(postmaster), int(idle), Path(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert remains(int(postmaster), int(idle), Path(folder)) == []


def remains(postmaster, idle, folder):
    left = [pid for pid in (postmaster, idle) if alive(pid)]
    return [*left, *at_work_in(folder / "pg"), *([folder] if folder.exists() else [])]
