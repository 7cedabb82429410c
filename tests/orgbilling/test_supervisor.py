"""`make run` as a person meets it: started, started twice, stopped, started again, killed."""

import contextlib
import http.client
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from orgbilling.embedded.server import Server

ROOT = Path(__file__).resolve().parent.parent.parent
# How often the web server is asked before a worker that is awaited counts as missing.
PATIENCE = 50_000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(home, port):
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.Popen(
        [sys.executable, "-m", "orgbilling.supervisor"],
        cwd=ROOT,
        # Its worker says that it starts at that level.
        env={**env, "DATA_DIR": str(home), "PORT": str(port), "LOG_LEVEL": "INFO"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def await_serving(run):
    lines = []
    for line in run.stdout:
        lines.append(line)
        if line.startswith("Serving"):
            return "".join(lines)
    raise AssertionError("".join(lines) + run.stderr.read())


def status(port, path="/health"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def members(home):
    """The live processes that were given this data folder, by their environment."""
    mark = f"DATA_DIR={home}\0".encode()
    found = set()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in environ.read_bytes() + b"\0":
                found.add(int(environ.parent.name))
    return found


def await_worker(home, port, starts):
    """Blocks until the worker has been started so often, by its log; asks the web server meanwhile."""
    log = home / "logs" / "worker.log"
    for _ in range(PATIENCE):
        if log.exists() and log.read_text().count("Starting worker on all queues") >= starts:
            return
        assert status(port) == 200
    raise AssertionError(log.read_text())


def await_end(pids):
    """Blocks until the processes have ended, each for as long as a hung one may take."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                assert select.select([handle], [], [], 30)[0], f"{pid} lives on"
            finally:
                os.close(handle)


def assert_nothing_runs(home):
    assert members(home) == set()
    assert Server(home).cluster().postmaster() is None


def assert_second_start_refused(home, port, run):
    second = start(home, port)
    output, complaint = second.communicate()
    assert (second.returncode, output) == (1, "")
    assert f"http://127.0.0.1:{port} (pid {run.pid})" in complaint
    assert status(port) == 200


def kill_postgresql(home, run):
    """Kills the server under a run, and returns when the run has brought it back."""
    killed = Server(home).cluster().postmaster()
    os.kill(killed, signal.SIGKILL)
    assert run.stdout.readline() == "PostgreSQL has ended unexpectedly.\n"
    assert run.stdout.readline().strip().startswith("Its recovery")
    assert Server(home).cluster().postmaster() not in {None, killed}


def kill_web_server(home, run):
    """Kills the web server's master under a run, and returns when the run serves again."""
    (master,) = (
        pid
        for pid in members(home)
        if b"granian" in Path(f"/proc/{pid}/cmdline").read_bytes() and parent(pid) == run.pid
    )
    orphans = {pid for pid in members(home) if parent(pid) == master}
    os.kill(master, signal.SIGKILL)
    assert "web program has ended unexpectedly" in run.stdout.readline()
    await_end(orphans)


def parent(pid):
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return int(stat.rpartition(")")[2].split()[1])


def await_answer(port):
    """Returns the status of the first answer; asks again at once while nothing listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError):
            return status(port)
    raise AssertionError("nobody listens")


@pytest.fixture
def home():
    folder = Path(tempfile.mkdtemp(prefix="run-"))
    yield folder
    for pid in members(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    Server(folder).stop_unused()
    shutil.rmtree(folder)


def test_the_life_of_a_run(home):
    port = free_port()
    run = start(home, port)
    shown = await_serving(run)
    assert f"http://127.0.0.1:{port}/admin/" in shown
    assert f"http://127.0.0.1:{port}/api/docs" in shown
    assert str(home / "demo.json") in shown
    assert status(port) == 200
    demo = json.loads((home / "demo.json").read_text())
    assert demo["base_url"] == f"http://127.0.0.1:{port}"
    assert (home / "demo.json").stat().st_mode & 0o777 == 0o600

    assert_second_start_refused(home, port, run)

    run.send_signal(signal.SIGTERM)
    output, complaint = run.communicate()
    assert (run.returncode, complaint) == (0, "")
    assert output.endswith("Stopped.\n")
    assert_nothing_runs(home)

    other_port = free_port()
    again = start(home, other_port)
    assert "Demo data" not in await_serving(again)
    kept = json.loads((home / "demo.json").read_text())
    assert kept == {**demo, "base_url": f"http://127.0.0.1:{other_port}"}

    orphans = members(home) - {again.pid}
    assert len(orphans) >= 3
    again.kill()
    again.communicate()
    await_end(orphans)
    assert members(home) == set()

    recovered = start(home, other_port)
    await_serving(recovered)
    assert status(other_port, "/ready") == 200
    kill_postgresql(home, recovered)
    answers = [status(other_port, "/ready") for _ in range(12)]
    # The first use of a dead connection tells; each worker has two pools.
    assert answers.count(503) <= 4
    assert answers.count(200) == 12 - answers.count(503)

    kill_web_server(home, recovered)
    assert await_answer(other_port) == 200

    recovered.send_signal(signal.SIGINT)
    recovered.communicate()
    assert recovered.returncode == 0
    assert_nothing_runs(home)


def test_the_worker_is_started_and_started_again_when_it_lost_postgresql(home):
    port = free_port()
    run = start(home, port)
    await_serving(run)
    await_worker(home, port, 1)
    kill_postgresql(home, run)
    await_worker(home, port, 2)
    run.send_signal(signal.SIGTERM)
    run.communicate()
    assert run.returncode == 0
    assert_nothing_runs(home)


def test_a_taken_port_is_said_before_anything_starts(home):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        run = start(home, port)
        output, complaint = run.communicate()
    assert (run.returncode, output) == (1, "")
    assert f"Port {port} is taken" in complaint
    assert [path.name for path in home.iterdir()] == ["run.lock"]


@pytest.mark.parametrize("port", ["eighty", "0", "65536"])
def test_a_port_that_is_none_is_refused_by_name(home, port):
    run = start(home, port)
    output, complaint = run.communicate()
    assert (run.returncode, output) == (1, "")
    assert "PORT must be" in complaint
    assert list(home.iterdir()) == []


def test_a_stop_during_the_start_leaves_nothing(home):
    run = start(home, free_port())
    assert run.stdout.readline().startswith("Org billing on")
    run.send_signal(signal.SIGTERM)
    output, _ = run.communicate()
    assert run.returncode == 0
    assert output.endswith("Stopped.\n")
    assert_nothing_runs(home)
