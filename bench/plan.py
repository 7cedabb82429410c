"""How much is measured: the whole bench, its quick form, and the tests' tiniest one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes and times of a run.

    Attributes:
        name: what the page calls it.
        rows: usage rows in the ledger before anything is measured.
        rows_small: usage rows of the ledger that dashboards are compared with.
        rounds: how often every contender is measured, in turns; the median counts.
        seconds: how long one measurement lasts; less than one is a trial, whose figures say nothing.
        warm_seconds: how long each contender runs before its first measurement; not counted.
        organizations, users: who charges: so many organizations of so many members.
        crowd: the members of the first organization.
        connections: of the HTTP load.
        clients: of the SQL load, the last one for the cases that the issue names.
        workers: processes of each web server.
        shared_buffers: of the bench's PostgreSQL.
        details: whether the cases beyond the issue's names are measured too.
    """

    name: str
    rows: int
    rows_small: int
    rounds: int
    seconds: float
    warm_seconds: float
    organizations: int = 1000
    users: int = 10
    crowd: int = 1000
    connections: int = 32
    clients: tuple[int, ...] = (1, 8, 16)
    workers: int = 2
    shared_buffers: str = "1GB"
    details: bool = True


FULL = Plan("whole", rows=1_000_000, rows_small=100_000, rounds=5, seconds=8, warm_seconds=2)
QUICK = Plan(
    "quick",
    rows=200_000,
    rows_small=100_000,
    rounds=3,
    seconds=1,
    warm_seconds=0.2,
    clients=(16,),
    details=False,
)
