"""Runs the state machine for as long as wanted, on a PostgreSQL of its own.

python -m tests.model.soak --steps 1000000 --workers 2 --seed 1

A difference is printed with the steps that lead to it and ends the run with status 1;
`--batch NUMBER` runs its batch again and shrinks it.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import queue
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection

from orgbilling.embedded.cluster import THROW_AWAY_SETTINGS
from orgbilling.embedded.server import Server

EXAMPLES_A_BATCH = 50
PROGRESS_SECONDS = 5


def work(number: int, seeds: Any, results: Any, shrink: bool) -> None:
    """One process: a database of its own, batches until no seed is left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare_database(number)
    # Only now: they need Django's settings.
    running = importlib.import_module("tests.model.running")
    running.people()
    results.put(("ready", number, 0, Counter()))
    parent = os.getppid()
    while (seed := seeds.get()) is not None and os.getppid() == parent:
        heard = StringIO()
        try:
            with redirect_stdout(heard):
                steps, tally = running.run_batch(EXAMPLES_A_BATCH, seed, shrink=shrink)
        except BaseException:  # noqa: BLE001 - whatever it was is reported, and counted as a difference
            results.put(("difference", seed, 0, heard.getvalue() + traceback.format_exc()))
        else:
            results.put(("batch", seed, steps, tally))
        running.forget()
    results.put(("end", number, 0, Counter()))


def prepare_database(number: int) -> None:
    """An empty database of this process's own, with all migrations."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "orgbilling.settings"
    for options in settings.DATABASES.values():
        options["TEST"] = {**options.get("TEST", {}), "NAME": f"soak_{number}"}
    django.setup()
    connection.creation.create_test_db(verbosity=0, autoclobber=True)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Soak:
    """The parent: hands out seeds, counts what comes back."""

    def __init__(self, steps: int, workers: int, first: int, batch: int | None) -> None:
        self.steps, self.workers = steps, workers
        self.first, self.batch = first, batch
        self.done, self.differences = 0, 0
        self.tally: Counter[tuple[str, str]] = Counter()

    def run(self) -> int:
        context = multiprocessing.get_context("spawn")
        seeds, results = context.Queue(), context.Queue()
        self.hand_out(seeds)
        shrink = self.batch is not None
        processes = [
            context.Process(target=work, args=(number, seeds, results, shrink), daemon=True)
            for number in range(self.workers)
        ]
        for process in processes:
            process.start()
        try:
            self.listen(processes, seeds, results)
        finally:
            for process in processes:
                process.terminate()
                process.join()
        return 1 if self.differences or self.done < self.steps else 0

    def hand_out(self, seeds: Any) -> None:
        """One batch, or as many as are surely needed; who has done enough is told to stop."""
        if self.batch is not None:
            given = [self.batch]
        else:
            given = [self.first * 1_000_000 + number for number in range(self.steps // 2_000 + 1)]
        for seed in given + [None] * self.workers:
            seeds.put(seed)

    def enough(self, seeds: Any) -> None:
        """Take the batches back that nobody has begun."""
        with suppress(queue.Empty):
            while seeds.get(timeout=0.1) is not None:
                pass
        for _ in range(self.workers):
            seeds.put(None)

    def listen(self, processes: list[Any], seeds: Any, results: Any) -> None:
        begun = shown = time.monotonic()
        living = self.workers
        while living:
            try:
                kind, number, steps, what = results.get(timeout=1)
            except queue.Empty:
                if any(process.exitcode for process in processes):
                    say("A worker died.")
                    self.differences += 1
                    break
                continue
            if kind == "ready":
                begun = time.monotonic()
            living -= kind == "end"
            if kind == "difference":
                self.differences += 1
                again = f"python -m tests.model.soak --batch {number}"
                say(f"Batch {number} differs; `{again}` repeats it:\n{what}")
            if kind == "batch":
                self.count(steps, what, seeds)
            if time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                self.progress(shown - begun)
        self.summary(time.monotonic() - begun)

    def count(self, steps: int, tally: Counter[tuple[str, str]], seeds: Any) -> None:
        short = self.done < self.steps
        self.done += steps
        self.tally += tally
        if short and self.done >= self.steps:
            self.enough(seeds)

    def progress(self, seconds: float) -> None:
        pace = seconds / self.done * 1000 * self.workers if self.done else 0
        say(
            f"{self.done:>10,} of {self.steps:,} steps, {seconds:,.0f} s, "
            f"{pace:.2f} ms a step and worker, {self.differences} differences"
        )

    def summary(self, seconds: float) -> None:
        self.progress(seconds)
        for (operation, outcome), times in sorted(self.tally.items()):
            say(f"  {operation:<16} {outcome:<28} {times:>10,}")


def main() -> int:
    """Starts the server, soaks, stops the server."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--steps", type=int, default=1_000_000)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--batch", type=int, help="run this one batch again and shrink it")
    chosen = asked.parse_args()
    if chosen.batch is not None:
        chosen.steps, chosen.workers = 0, 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    server = Server(Path(tempfile.mkdtemp(prefix="orgbilling-tests-")), THROW_AWAY_SETTINGS)
    server.acquire()
    os.environ["DATABASE_URL"] = server.url
    # Not a line for each of a million charges.
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    try:
        return Soak(chosen.steps, chosen.workers, chosen.seed, chosen.batch).run()
    finally:
        server.release()
        shutil.rmtree(server.home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
