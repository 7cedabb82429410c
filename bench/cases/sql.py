"""One charge a call, by pgbench: spread over everybody, in one organization, on one member."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from bench import cast
from bench.ground import Ground
from bench.peers.standing import PredecessorBooks, bare_books, peers
from bench.pgbench import pgbench
from bench.plan import Plan
from bench.proof import Books, OwnBooks, proved
from bench.rounds import OURS, Comparison, Measure


@dataclass(frozen=True, slots=True)
class Who:
    """Who is charged, as the scripts draw them."""

    name: str
    draw: Callable[[Plan], dict[str, int]]


SPREAD = Who("sql_deduct_spread", lambda plan: {"orgs": plan.organizations, "users": plan.users})
ONE_ORG = Who("sql_deduct_one_org", lambda plan: {"orgs": 1, "users": cast.members_of(plan, 0)})
ONE_USER = Who("sql_deduct_one_user", lambda _plan: {"orgs": 1, "users": 1})


def comparisons(plan: Plan) -> list[Comparison]:
    """The named cases at the largest number of clients, with a key; then the others."""
    most = plan.clients[-1]
    found = [_against_peers(who, who.name, most) for who in (SPREAD, ONE_ORG, ONE_USER)]
    found += [
        _against_peers(who, f"{who.name}_{clients}_clients", clients, detail=True)
        for who in (SPREAD, ONE_ORG, ONE_USER)
        for clients in plan.clients[:-1]
    ]
    found += [
        _against_peers(who, f"{who.name}_without_key", most, script="own_without_key", detail=True)
        for who in (SPREAD, ONE_ORG, ONE_USER)
    ]
    found.append(
        Comparison(
            {"sql_deduct_grown": "calls/s", "sql_deduct_grown_wal": "bytes/call"},
            partial(_grown, clients=most),
            detail=True,
        )
    )
    return found


def _against_peers(
    who: Who, case: str, clients: int, *, script: str = "own_with_key", detail: bool = False
) -> Comparison:
    stage = partial(_stage, who=who, case=case, clients=clients, script=script)
    return Comparison({case: "calls/s", f"{case}_wal": "bytes/call"}, stage, detail=detail)


@contextmanager
def _stage(
    ground: Ground, *, who: Who, case: str, clients: int, script: str
) -> Iterator[Mapping[str, Measure]]:
    own, theirs = ground.own(), peers(ground)
    load = partial(_load, ground, who=who, case=case, clients=clients)
    yield {
        OURS: load(own, script, OwnBooks(ground, own)),
        "predecessor": load(theirs, "predecessor", PredecessorBooks(ground)),
        "bare_limit": load(theirs, "bare_limit", bare_books(ground)),
    }


@contextmanager
def _grown(ground: Ground, *, clients: int) -> Iterator[Mapping[str, Measure]]:
    """The ledger with its rows, beside one that begins without any."""
    own, empty = ground.own(), ground.ledger("own_empty", 0)
    load = partial(_load, ground, who=SPREAD, case="sql_deduct_grown", clients=clients)
    yield {
        OURS: load(own, "own_with_key", OwnBooks(ground, own)),
        "own_empty": load(empty, "own_with_key", OwnBooks(ground, empty)),
    }


def _load(
    ground: Ground,
    database: str,
    script: str,
    books: Books,
    *,
    who: Who,
    case: str,
    clients: int,
) -> Measure:
    def measure(seconds: float) -> Mapping[str, float]:
        before = _wal_bytes(ground)
        with proved(books) as acknowledged:
            load = pgbench(
                ground,
                database,
                f"{script}.sql",
                clients=clients,
                seconds=seconds,
                variables=who.draw(ground.plan),
            )
            acknowledged.charges = load.transactions
        written = _wal_bytes(ground) - before
        return {case: load.per_second, f"{case}_wal": written / load.transactions}

    return measure


def _wal_bytes(ground: Ground) -> int:
    """Where the write-ahead log ends."""
    with ground.superuser() as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return int(row[0])
