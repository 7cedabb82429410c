"""What whoever waits for the bench is told."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say at the end how long it took."""
    began = time.monotonic()
    yield
    say(f"{title}: {time.monotonic() - began:.1f} s")
