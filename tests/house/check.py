"""`make check`: every check of the house, each with its time; the failures' output at the end."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent

MANAGE = (str(BIN / "python"), "manage.py")
CHECKS = (
    ("ruff check", (str(BIN / "ruff"), "check", ".")),
    ("ruff format", (str(BIN / "ruff"), "format", "--check", ".")),
    ("mypy", (str(BIN / "mypy"),)),
    ("secrets", (str(BIN / "python"), "-m", "tests.house.check_secrets")),
    ("import contracts", (str(BIN / "lint-imports"),)),
    ("Django system checks", (*MANAGE, "check", "--fail-level", "WARNING")),
    ("deployment check", (str(BIN / "python"), "-m", "tests.house.check_deployment")),
    ("OpenAPI document", (str(BIN / "python"), "-m", "tests.house.check_openapi")),
    ("migrations and SQL", (str(BIN / "python"), "-m", "tests.house.check_database")),
)


def run(name: str, command: tuple[str, ...], env: dict[str, str]) -> str | None:
    """Runs one check; returns its output if it failed."""
    sys.stdout.write(f"   {name:<24}")
    sys.stdout.flush()
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    sys.stdout.write(f"{'ok' if done.returncode == 0 else 'FAILED':<8}{seconds:5.1f} s\n")
    return None if done.returncode == 0 else done.stdout


def main() -> int:
    """Runs all checks, also after a failure; returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="orgbilling-check-") as home:
        # No check may touch the clone's own data.
        env = {**os.environ, "DATA_DIR": home}
        failed = {name: run(name, command, env) for name, command in CHECKS}
    for name, output in failed.items():
        if output is not None:
            sys.stdout.write(f"\n--- {name} ---\n{output}\n")
    return 1 if any(output is not None for output in failed.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
