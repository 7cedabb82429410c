"""On what it was measured: the machine, the versions, the settings that a commit depends on."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bench import environment
from bench.ground import SETTINGS, Ground
from bench.programs import ROOT

PACKAGES: Final = ("django", "djangorestframework", "psycopg", "granian")
PEERS: Final = ("fastapi", "asyncpg", "uvicorn", "uvloop", "httptools")


def described(ground: Ground, ceiling: float, not_measured: Mapping[str, str]) -> dict[str, Any]:
    """All that a reader has to know, in the order to read it.

    Args:
        ceiling: requests a second of the load generator against a server that does nothing.
        not_measured: case -> why.
    """
    plan = ground.plan
    return {
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "revision": _revision(),
        "form": plan.name,
        "rows": plan.rows,
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "organizations": plan.organizations,
        "members": plan.organizations * plan.users + max(0, plan.crowd - plan.users),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "file_system": _file_system(ground.folder),
        "python": platform.python_version(),
        "postgresql": _server_version(ground),
        "settings": {**SETTINGS, "shared_buffers": plan.shared_buffers},
        "packages": {name: version(name) for name in PACKAGES},
        "peers": {name: environment.versions()[name] for name in PEERS},
        "load_generator_requests_per_second": round(ceiling),
        "not_measured": dict(not_measured),
    }


def _server_version(ground: Ground) -> str:
    with ground.superuser() as connection:
        row = connection.execute("SHOW server_version").fetchone()
        for name, wanted in SETTINGS.items():
            found = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            assert found == (wanted,), f"{name} is {found}, not {wanted}"
    assert row is not None
    return str(row[0])


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """The kind that the data lies on: a commit to memory would say nothing."""
    best, kind = "", "unknown"
    mounts = Path("/proc/mounts")
    if mounts.exists():
        for line in mounts.read_text(encoding="utf-8").splitlines():
            _device, place, name, *_rest = line.split()
            inside = place == "/" or f"{folder}/".startswith(f"{place}/")
            if inside and len(place) >= len(best):
                best, kind = place, name
    return kind


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"
