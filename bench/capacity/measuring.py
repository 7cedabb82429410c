"""Measures what the model needs and the bench doesn't say: CPU of each side, and how web processes scale.

`/proc` tells what every process of a tree has used, those that have ended too; the difference over a load, divided by
its charges, is a charge's cost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bench import cast, machine
from bench.capacity.costs import Cost, Costs, Setup
from bench.cases.http import loaded, spread
from bench.ground import Ground, ground
from bench.plan import Plan
from bench.programs import conversation, own_module
from bench.proof import OwnBooks
from bench.requests import Job
from bench.serving import service
from bench.telling import say

PLAN: Final = Plan(
    "capacity", rows=200_000, rows_small=100_000, rounds=1, seconds=6, warm_seconds=1
)
#: Web processes, and places of each.
SETUPS: Final = ((1, 5), (1, 10), (2, 2), (2, 5), (2, 10), (4, 5))
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds of CPU until now, and bytes of log."""

    web: float
    database: float
    wal: float


def cpu_seconds(pid: int) -> float:
    """What a process, its living descendants and its ended children have used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    # utime, stime, cutime, cstime.
    own = sum(int(one) for one in fields[11:15]) / TICKS
    return own + sum(cpu_seconds(int(child)) for child in children)


def measured() -> Costs:
    """Everything, on a PostgreSQL of its own, in about two minutes.

    Raises:
        RoundFailed: an answer wasn't as it should be, or the books disagree.
    """
    with ground(PLAN) as own:
        database = own.own()
        everybody = spread(PLAN)
        single = _cost(own, database, "deduct", 0, everybody)
        batched = _cost(own, database, "batch", 1_000, everybody)
        one = _cost(own, database, "deduct", 0, {"organizations": 1, "users": 1})
        setups = [_setup(own, database, *setup) for setup in SETUPS]
        described = machine.described(own, 0, {})
        kept = ("measured_at", "revision", "processor", "cores", "system", "python", "postgresql")
        return Costs(
            machine={name: described[name] for name in kept},
            single=single,
            batched=batched,
            hot_user_per_second=one.per_second,
            row_bytes=_row_bytes(own, database),
            dashboard_ms=_dashboard_ms(own, database),
            setups=setups,
        )


def _cost(own: Ground, database: str, kind: str, items: int, who: Mapping[str, int]) -> Cost:
    with service(own, database) as port:
        run = _load(own, database, port, kind, items, who)
        run(PLAN.warm_seconds)
        before = _used(own, port)
        done = run(PLAN.seconds)
        after = _used(own, port)
    charges = done["charges"]
    cost = Cost(
        web_us=round((after.web - before.web) / charges * 1e6, 1),
        database_us=round((after.database - before.database) / charges * 1e6, 1),
        wal_bytes=round((after.wal - before.wal) / charges),
        per_second=round(charges / done["seconds"]),
    )
    say(f"{kind} of {who}: {cost}")
    return cost


def _setup(own: Ground, database: str, processes: int, places: int) -> Setup:
    plan, own.plan = own.plan, replace(own.plan, workers=processes)
    try:
        with service(own, database, DB_POOL_SIZE=str(places), WORKER_CONCURRENCY="1") as port:
            run = _load(own, database, port, "deduct", 0, spread(PLAN))
            run(PLAN.warm_seconds)
            done = run(PLAN.seconds / 2)
    finally:
        own.plan = plan
    setup = Setup(processes, places, round(done["charges"] / done["seconds"]))
    say(str(setup))
    return setup


def _load(
    own: Ground, database: str, port: int, kind: str, items: int, who: Mapping[str, int]
) -> Callable[[float], dict[str, Any]]:
    books = OwnBooks(own, database)
    job = Job(
        port=port,
        key=own.key,
        kind=kind,
        connections=PLAN.connections,
        seconds=0,
        items=items,
        **who,
    )
    return lambda seconds: loaded(replace(job, seconds=seconds), books)


def _used(own: Ground, port: int) -> Used:
    postmaster = own.server.cluster().postmaster()
    assert postmaster is not None
    with own.superuser() as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return Used(
        web=sum(cpu_seconds(pid) for pid in _servers(port)),
        database=cpu_seconds(postmaster),
        wal=float(row[0]),
    )


def _servers(port: int) -> Iterator[int]:
    """The first processes of the web servers with that port in their command."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            parent = (entry / "stat").read_text(encoding="ascii").rpartition(") ")[2].split()[1]
        except OSError:
            continue
        if b"granian" in command and str(port).encode() in command and parent == str(os.getpid()):
            yield int(entry.name)


def _row_bytes(own: Ground, database: str) -> float:
    with own.superuser(database) as connection:
        row = connection.execute(
            "SELECT pg_total_relation_size('credit_usage_attribution') / count(*)::float"
            " FROM credit_usage_attribution"
        ).fetchone()
    assert row is not None
    return float(round(row[0]))


def _dashboard_ms(own: Ground, database: str) -> float:
    """Of an ordinary organization, all queries one after the other."""
    asked = {"view": "org", "org_id": str(cast.org_id(PLAN.organizations // 2)), "seconds": 1.0}
    with conversation(own_module("reading"), own.env(database)) as reader:
        return float(round(sum(reader.ask(asked).values()), 2))
