"""`make mutants`: takes the ledger's guards away one by one; the tests have to notice each time.

    python -m tests.mutants                 every mutant
    python -m tests.mutants --sample 12     so many of them, other ones each day
    python -m tests.mutants NAME ...        these
    python -m tests.mutants --list          what there is

Each mutant is a copy of one migrated database, without the guard, and a pytest session over the smallest part of the
tests that must fail on it. The same tests pass with every guard in place: that is run first. Nothing of the working
tree is changed. Ends with 1 when a mutant survives, with 2 when something else went wrong.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import django

from orgbilling.embedded.cluster import THROW_AWAY_SETTINGS
from orgbilling.embedded.server import NAME, Server

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_SECONDS = 120
KILLED, SURVIVED, WRONG = "killed", "SURVIVED", "WRONG"
SUCCESS, FAILURES = 0, 1


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant; `by` is the first test that failed, or what went wrong."""

    name: str
    end: str
    by: str
    seconds: float


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Laboratory:
    """A PostgreSQL with one migrated database, of which each session gets a copy."""

    def __init__(self) -> None:
        self.server = Server(
            Path(tempfile.mkdtemp(prefix="orgbilling-mutants-")), THROW_AWAY_SETTINGS
        )
        self.server.acquire()

    def close(self) -> None:
        self.server.release()
        shutil.rmtree(self.server.home, ignore_errors=True)

    def migrate(self) -> None:
        """The pattern of all copies; nobody may be connected to it afterwards."""
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--no-input"]
        subprocess.run(command, cwd=ROOT, env=self._environment(NAME, ""), check=True)

    def run(self, name: str, mutant: str, tests: Sequence[str], *options: str) -> tuple[int, str]:
        """A pytest session on a copy of its own; its exit status and output."""
        self._sql(f"CREATE DATABASE test_{name} TEMPLATE {NAME} OWNER {NAME}")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.mutants.plugin",
            "-p",
            "no:cacheprovider",
        ]
        command += ["--reuse-db", "-q", "--tb=line", *options, *tests]
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=self._environment(name, mutant),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=PATIENCE_SECONDS * (1 if mutant else 5),
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            return FAILURES, f"FAILED {tests[0]} (did not end)\n{exc.stdout}"
        finally:
            self._sql(f"DROP DATABASE IF EXISTS test_{name} WITH (FORCE)")
        return done.returncode, done.stdout

    def _environment(self, database: str, mutant: str) -> dict[str, str]:
        url = self.server.url.replace(f"@/{NAME}", f"@/{database}")
        return {**os.environ, "DATABASE_URL": url, "ORGBILLING_MUTANT": mutant}

    def _sql(self, statement: str) -> None:
        with self.server.cluster().connect() as connection:
            connection.execute(statement)


def judge(laboratory: Laboratory, number: int, name: str, tests: Sequence[str]) -> Verdict:
    began = time.monotonic()
    status, output = laboratory.run(f"m{number}", name, tests, "-x")
    failed = re.search(r"^FAILED (\S+)", output, re.MULTILINE)
    if status == FAILURES and failed:
        end, by = KILLED, failed[1]
    elif status == SUCCESS:
        end, by = SURVIVED, " ".join(tests)
    else:
        end, by = WRONG, f"pytest ended with {status}: {output.strip()[-600:]}"
    verdict = Verdict(name, end, by, time.monotonic() - began)
    say(f"{verdict.end:<9}{verdict.name:<52} {verdict.seconds:5.1f} s  {verdict.by}")
    return verdict


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    options.add_argument("names", nargs="*", metavar="NAME")
    options.add_argument("--sample", type=int, metavar="N")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--list", action="store_true")
    chosen = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgbilling.settings")
    django.setup()
    from tests.mutants.catalogue import mutants  # noqa: PLC0415 - reads the models

    known = mutants()
    if unknown := set(chosen.names) - set(known):
        options.error(f"no such mutant: {', '.join(sorted(unknown))}")
    names = chosen.names or list(known)
    if chosen.sample:
        # The same ones all day, so that a failure can be repeated; others tomorrow.
        names = random.Random(f"{datetime.now(UTC):%Y-%m-%d}").sample(
            names, min(chosen.sample, len(names))
        )
    if chosen.list:
        for name in names:
            say(f"{name:<52} {known[name].what}")
        return 0
    began = time.monotonic()
    laboratory = Laboratory()
    try:
        laboratory.migrate()
        tests = sorted({test for name in names for test in known[name].tests})
        status, output = laboratory.run("whole", "", tests)
        if status != SUCCESS:
            say(f"The tests fail with every guard in place:\n{output}")
            return 2
        say(f"With every guard in place: {output.strip().splitlines()[-1]}")
        with ThreadPoolExecutor(chosen.jobs) as pool:
            verdicts = list(
                pool.map(
                    lambda pair: judge(laboratory, pair[0], pair[1], known[pair[1]].tests),
                    enumerate(names),
                )
            )
    finally:
        laboratory.close()
    killed = sum(verdict.end == KILLED for verdict in verdicts)
    say(f"{killed} of {len(verdicts)} mutants killed in {time.monotonic() - began:.0f} s.")
    if any(verdict.end == SURVIVED for verdict in verdicts):
        return 1
    return 0 if killed == len(verdicts) else 2


if __name__ == "__main__":
    sys.exit(main())
