"""The peers' environment: their packages beside ours would decide which versions ours has."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.programs import ROOT, ProgramFailed

LOCK: Final = ROOT / "requirements-bench.txt"
FOLDER: Final = ROOT / "build" / "bench" / "environment"
PYTHON: Final = FOLDER / "bin" / "python"
STAMP: Final = FOLDER / "installed"


def prepare() -> Path:
    """Make the environment what the lock says, unless it is; returns its Python.

    Raises:
        ProgramFailed: the installer's own words.
    """
    mark = hashlib.sha256(
        LOCK.read_bytes() + sys.version.encode() + str(FOLDER).encode()
    ).hexdigest()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text(encoding="ascii") == mark:
        return PYTHON
    shutil.rmtree(FOLDER, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(FOLDER)])
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        # The system's certificates: some networks have an authority of their own.
        install = [str(uv), "pip", "sync", "--quiet", "--system-certs", "--python", str(PYTHON)]
        install += ["--require-hashes", str(LOCK)]
    else:
        install = [str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes"]
        install += ["-r", str(LOCK)]
    _run(install)
    STAMP.write_text(mark, encoding="ascii")
    return PYTHON


def versions() -> dict[str, str]:
    """What the lock pins of what it names."""
    text = LOCK.read_text(encoding="utf-8")
    pins = [line.split(" ")[0].split("==") for line in text.splitlines() if line[:1].isalpha()]
    return {pin[0]: pin[1] for pin in pins if len(pin) == 2}


def _run(command: list[str]) -> None:
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ProgramFailed(command, f"status {done.returncode}", done.stdout + done.stderr)


if __name__ == "__main__":
    prepare()
