"""Makes the client for threads from the one for asyncio: ``python -m tests.client.unasync``.

There is one text of every method, so that the two can't come apart; a test compares.
"""

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "clients/python/src/orgbilling_client"
SOURCE, TARGET = PACKAGE / "_async", PACKAGE / "_sync"
#: What is written by hand on both sides, because waiting differs.
BY_HAND = frozenset({"__init__.py", "backend.py"})

RULES = (
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync([A-Z]\w*)", r"\1"),
    (r"\borgbilling_client\._async\b", "orgbilling_client._sync"),
    (r"\b__a(enter|exit|iter|next)__", r"__\1__"),
    (r"\ba(close|iter_bytes|read)\(", r"\1("),
)


def threaded(source: str) -> str:
    """The same module without asyncio, as ruff formats it."""
    for pattern, replacement in RULES:
        source = re.sub(pattern, replacement, source)
    for command in (["check", "--select", "I", "--fix-only", "--quiet"], ["format"]):
        source = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", TARGET / "x.py", "-"],
            input=source,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return source


def modules() -> list[str]:
    """The names of the modules that are made."""
    return sorted(path.name for path in SOURCE.glob("*.py") if path.name not in BY_HAND)


if __name__ == "__main__":
    for name in modules():
        (TARGET / name).write_text(threaded((SOURCE / name).read_text()))
