"""Fails unless docs/openapi.yaml is what the code says, valid and free of warnings."""

import difflib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
COMMITTED = ROOT / "docs" / "openapi.yaml"
DIFFERENCE_LINES_MAX = 60


def main() -> int:
    """Compares the two documents; returns the exit status."""
    command = [sys.executable, "manage.py", "spectacular", "--validate", "--fail-on-warn"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stderr)
    if done.returncode != 0:
        return done.returncode
    committed = COMMITTED.read_text(encoding="utf-8") if COMMITTED.exists() else ""
    if committed.rstrip() == done.stdout.rstrip():
        return 0
    difference = difflib.unified_diff(
        committed.splitlines(), done.stdout.splitlines(), "docs/openapi.yaml", "code", lineterm=""
    )
    sys.stdout.write("\n".join(list(difference)[:DIFFERENCE_LINES_MAX]))
    sys.stdout.write("\nBring it up to date with: make openapi\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
