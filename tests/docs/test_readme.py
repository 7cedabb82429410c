"""The README's scenario, pasted into a shell beside a fresh `make run`."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.markdown import ROOT, blocks, codes, rows, section

README = (ROOT / "README.md").read_text(encoding="utf-8")
SCENARIO = "## The main job, step by step"
END_OF_BLOCK = "=== end of block ==="
# The README promises what the defaults do; the test session's own settings are not for it.
FOREIGN = {"DATABASE_URL", "RATE_LIMIT_WRITES", "RATE_LIMIT_READS", "RATE_LIMIT_SERVICE"}


class Clone(NamedTuple):
    """A folder with a served `.data/`, and what the terminal showed."""

    folder: Path
    url: str
    shown: str


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    folder = tmp_path_factory.mktemp("clone")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    run = subprocess.Popen(
        [sys.executable, "-m", "orgbilling.supervisor"],
        cwd=ROOT,
        env={**env, "DATA_DIR": str(folder / ".data"), "PORT": str(port)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.stdout is not None
    lines = []
    for line in run.stdout:
        lines.append(line)
        if line.startswith("Serving"):
            break
    yield Clone(folder, f"http://127.0.0.1:{port}", "".join(lines))
    run.send_signal(signal.SIGINT)
    run.communicate()
    shutil.rmtree(folder)
    assert run.returncode == 0, lines


def test_make_run_shows_what_the_readme_shows(clone: Clone) -> None:
    (promised,) = [
        block.text for block in blocks(README) if block.text.startswith("Org billing on")
    ]
    shown = clone.shown.replace(clone.url, "http://127.0.0.1:8084")
    shown = shown.replace(f"{clone.folder}/", "")
    assert without_times(shown) == without_times(promised)


def test_the_scenario_prints_what_the_readme_prints(clone: Clone) -> None:
    steps = blocks(section(README, SCENARIO))
    commands = [block.text for block in steps[::2]]
    promised = [block.text for block in steps[1::2]]
    assert [block.language for block in steps] == ["bash", "text"] * len(commands)
    assert len(commands) == 9

    script = f"echo '{END_OF_BLOCK}'\n".join([*commands, ""])
    done = subprocess.run(
        [shutil.which("bash") or "bash"],
        input=script,
        cwd=clone.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    *printed, rest = done.stdout.split(f"{END_OF_BLOCK}\n")
    assert rest == ""
    assert [same_names(text) for text in printed] == [same_names(text) for text in promised]


def test_what_make_run_may_say_is_said_by_the_code() -> None:
    sources = "\n".join(path.read_text() for path in sorted((ROOT / "orgbilling").rglob("*.py")))
    table = list(rows(section(README, "## When `make run` doesn't run")))
    messages = [code for row in table for code in codes(row[0])]
    assert len(messages) == 7
    assert [message for message in messages if message not in sources] == []


def test_the_house_is_laid_out_in_a_few_lines_that_exist() -> None:
    layout = blocks(section(README, "## How the house is laid out"))[0].text.splitlines()
    assert len(layout) <= 12
    for line in layout:
        assert list(ROOT.glob(line.split()[0])), line


def without_times(text: str) -> str:
    return re.sub(r" +\d+\.\d s$", " … s", text, flags=re.MULTILINE)


def same_names(text: str) -> str:
    return re.sub(r"\bacme-\d+\b", "acme-…", text)
