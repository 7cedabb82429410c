"""A clone in which `make run` serves, and the tools that a reader has."""

import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from orgbilling.web.apps import RATES
from tests.docs.markdown import ROOT

CLIENT = ROOT / "clients" / "python"
#: The pages promise what the defaults do: the test session's own settings are not for them.
FOREIGN = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV", "PYTHONPATH", *RATES}
#: A person reads between two blocks. The runner doesn't, and would meet the limit of writes.
UNHURRIED = {"RATE_LIMIT_WRITES": "100000/m", "RATE_LIMIT_READS": "100000/m"}
#: pip takes what is installed for the tests, and asks no index.
OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_NO_CACHE_DIR": "1",
}
PIP = '#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n'


class Clone(NamedTuple):
    """A folder with a served `.data/`, its address, and what the terminal showed."""

    folder: Path
    url: str
    shown: str


def own_environment() -> dict[str, str]:
    """Return the environment without what belongs to this test session."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith(("PYTEST_", "OIDC_", "ORGBILLING_"))
    }


@contextmanager
def served(folder: Path, settings: dict[str, str]) -> Iterator[Clone]:
    """Run what `make run` runs, with its data in the folder, and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"DATA_DIR": str(folder / ".data"), "PORT": str(port)}
    run = subprocess.Popen(
        [sys.executable, "-m", "orgbilling.supervisor"],
        cwd=ROOT,
        env={**own_environment(), **UNHURRIED, **settings, **own},
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
    try:
        yield Clone(folder, f"http://127.0.0.1:{port}", "".join(lines))
    finally:
        run.terminate()
        run.communicate()
    assert run.returncode == 0, lines


def tools(folder: Path, clone: Clone) -> dict[str, str]:
    """Make a virtual environment with the client in it; return the environment in which it is active."""
    home = folder / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    bin_ = home / "bin"
    (bin_ / "pip").write_text(PIP)
    (bin_ / "pip").chmod(0o755)
    env = {
        **own_environment(),
        **OFFLINE,
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "VIRTUAL_ENV": str(home),
        # So that a command of the service finds its database, though its code is not in the reader's folder.
        "DATA_DIR": str(clone.folder / ".data"),
    }
    install = [str(bin_ / "pip"), "install", "--quiet", "--no-deps", str(CLIENT)]
    done = subprocess.run(install, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return env


def reader_folder(folder: Path, clone: Clone) -> Path:
    """Make a folder that looks like the clone from inside: its files, and the data that is served."""
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name not in {".data", ".git", "build"}:
            (folder / path.name).symlink_to(path)
    (folder / ".data").symlink_to(clone.folder / ".data")
    return folder
