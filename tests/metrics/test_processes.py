"""Several processes count together, whichever of them is asked and however they end."""

import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from prometheus_client import CollectorRegistry, generate_latest

from orgbilling.lib import metrics_files
from tests.metrics.conftest import parsed

ROOT = Path(__file__).resolve().parent.parent.parent
COUNTING = """
import sys
from pathlib import Path
from orgbilling.lib.metrics_files import share
share(Path(sys.argv[1]))
from orgbilling.lib.metrics import counter, gauge
counter("things", "Things.").inc(int(sys.argv[2]))
gauge("lives", "Lives.").set(1)
print("counted", flush=True)
sys.stdin.read()
"""


@contextmanager
def process(folder, things):
    """A process that has counted so many things, and lives until it is killed or told to end."""
    running = subprocess.Popen(
        [sys.executable, "-c", COUNTING, str(folder), str(things)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout.readline() == "counted\n"
        yield running
    finally:
        running.kill()
        running.communicate()


def told(folder):
    registry = CollectorRegistry()
    registry.register(metrics_files.everybodys(folder))
    samples = parsed(generate_latest(registry).decode())
    return samples["orgbilling_things_total", ()], samples.get(("orgbilling_lives", ()), 0)


def test_whoever_is_asked_answers_for_all_and_a_killed_one_leaves_its_counts(tmp_path):
    folder = tmp_path / "not" / "yet"
    with ExitStack() as stack:
        first = stack.enter_context(process(folder, 3))
        stack.enter_context(process(folder, 4))
        assert told(folder) == (7, 2)
        assert told(folder) == (7, 2)
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert told(folder) == (7, 1)
        stack.enter_context(process(folder, 5))
        assert told(folder) == (12, 2)


def test_one_that_just_starts_is_not_asked_yet(tmp_path):
    with process(tmp_path, 3):
        (tmp_path / "counter_just-started-1.db").touch()
        assert told(tmp_path) == (3, 1)


def test_who_comes_when_nobody_lives_begins_anew(tmp_path):
    with process(tmp_path, 3):
        pass
    (tmp_path / "database.json").write_text("{}")
    (tmp_path / "somebody-elses.txt").touch()
    with process(tmp_path, 1):
        assert told(tmp_path) == (1, 1)
    assert not (tmp_path / "database.json").exists()
    assert (tmp_path / "somebody-elses.txt").exists()


def test_a_process_with_the_number_of_a_dead_one_goes_on_counting(tmp_path):
    """As in a container that was started again beside one that lives."""
    with process(tmp_path, 1), process(tmp_path, 2) as dead:
        dead.kill()
        dead.wait()
        name = f"{socket.gethostname()}-{dead.pid}"
        assert told(tmp_path) == (3, 1)
        same = COUNTING.replace("share(Path", f"os.getpid = lambda: {dead.pid}\nshare(Path")
        script = "import os\n" + same
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path), "4"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            check=True,
            capture_output=True,
        )
        assert [file.name for file in tmp_path.glob("counter_*")].count(f"counter_{name}.db") == 1
        assert told(tmp_path)[0] == 7


def test_a_folder_that_cannot_be_made_stops_the_start(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ImproperlyConfigured, match=r"METRICS_DIR.*Name a folder"):
        metrics_files.share(file / "metrics")


def test_these_tests_count_for_themselves():
    assert metrics_files.shared_folder() is None
