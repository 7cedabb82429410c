"""Reads dashboards as the service does, one query after the other, and says how long each took.

Each line of its input is a JSON object: `view` (a name in `bench.queries.VIEWS`), `org_id`, `seconds`. It answers each
with a line: query -> median milliseconds over that time.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from statistics import median
from typing import TYPE_CHECKING, Final
from uuid import UUID

import django

if TYPE_CHECKING:
    from bench.queries import Queries

REPEATS_MIN: Final = 3


def timed(queries: Queries, seconds: float) -> dict[str, float]:
    """Median milliseconds of each, over so many seconds of reading all of them in turn, three times at least."""
    taken: dict[str, list[float]] = {name: [] for name in queries}
    until = time.monotonic() + seconds
    repeats = 0
    while repeats < REPEATS_MIN or time.monotonic() < until:
        for name, query in queries.items():
            began = time.perf_counter()
            query()
            taken[name].append((time.perf_counter() - began) * 1000)
        repeats += 1
    return {name: median(times) for name, times in taken.items()}


def main() -> int:
    """Answer until the input ends; returns the exit status."""
    django.setup()
    # Its models can be imported from now on.
    views = import_module("bench.queries").VIEWS
    for line in sys.stdin:
        asked = json.loads(line)
        queries = views[asked["view"]](UUID(asked["org_id"]))
        sys.stdout.write(json.dumps(timed(queries, asked["seconds"])) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
