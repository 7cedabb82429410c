"""A load of SQL by pgbench: one script, prepared statements, so many clients for so many seconds."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.ground import Ground
from bench.programs import run
from orgbilling.embedded.binaries import candidates
from orgbilling.embedded.errors import NoBinaries
from orgbilling.embedded.server import NAME

SCRIPTS: Final = Path(__file__).parent / "scripts"
GRACE_SECONDS: Final = 60
#: Threads of pgbench: it spends little, and shares the machine with the server.
THREADS: Final = 2
#: Calls of each client in a trial.
TRIAL_CALLS: Final = 5


@dataclass(frozen=True, slots=True)
class Load:
    """What pgbench counted."""

    transactions: int
    per_second: float


def pgbench(
    ground: Ground,
    database: str,
    script: str,
    *,
    clients: int,
    seconds: float,
    variables: Mapping[str, int],
) -> Load:
    """Run a script of `bench/scripts/`.

    Raises:
        ProgramFailed, ValueError: pgbench failed, or a transaction did.
    """
    text = (SCRIPTS / script).read_text(encoding="utf-8")
    text = text.replace("{new_id}", new_id(ground.version))
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        command = [_program(), "-n", "-M", "prepared", "-f", file.name]
        command += ["-c", str(clients), "-j", str(min(clients, THREADS))]
        # It knows whole seconds only; what is briefer is a trial.
        command += ["-T", str(round(seconds))] if seconds >= 1 else ["-t", str(TRIAL_CALLS)]
        command += [f"--define={name}={value}" for name, value in variables.items()]
        command += ["-h", ground.socket, "-U", NAME, database]
        env = {**os.environ, "PGPASSWORD": ground.password}
        output = run(command, timeout_seconds=seconds + GRACE_SECONDS, env=env)
    return read(output)


def read(output: str) -> Load:
    """What pgbench printed.

    Raises:
        ValueError: a transaction failed, or a figure is missing.
    """
    failed = re.search(r"number of failed transactions: (\d+)", output)
    done = re.search(r"number of transactions actually processed: (\d+)", output)
    tps = re.search(r"tps = ([\d.]+) \(without initial connection time\)", output)
    if done is None or tps is None or (failed is not None and failed[1] != "0"):
        raise ValueError(output)
    return Load(int(done[1]), float(tps[1]))


def new_id(version: int) -> str:
    """The time-ordered key that a service makes before it inserts, as the server makes it."""
    return "uuidv7()" if version >= 18 else "public.time_ordered_id()"


def _program() -> str:
    found = candidates("pgbench")
    if not found:
        raise NoBinaries
    return str(found[0] / "pgbench")
