"""A thousand charges in one call, beside COPY of a thousand rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial

from bench import bulk, cast
from bench.filling import settle
from bench.ground import Ground
from bench.plan import Plan
from bench.programs import own_module, run
from bench.proof import CREDITS, Books, OwnBooks, proved
from bench.rounds import OURS, Comparison, Measure

CLIENTS = 8
GRACE_SECONDS = 60


def comparisons(_plan: Plan) -> list[Comparison]:
    """Batches of 1,000, and of 100."""
    return [_batches(1000), _batches(100, detail=True)]


def _batches(items: int, *, detail: bool = False) -> Comparison:
    case = f"sql_batch_{items}"
    return Comparison({case: "items/s"}, partial(_stage, case=case, items=items), detail=detail)


@contextmanager
def _stage(ground: Ground, *, case: str, items: int) -> Iterator[Mapping[str, Measure]]:
    own = ground.own()
    _copy_target(ground, own)
    copied = OwnBooks(
        ground,
        own,
        # COPY moves no balance: what it has is what its rows say.
        spent="SELECT sum(credits_used)::bigint FROM {usage}",
        tables={"usage": "bench.copied"},
    )
    yield {
        OURS: _load(ground, own, case, items, "batch", OwnBooks(ground, own)),
        "copy": _load(ground, own, case, items, "copy", copied),
    }


def _load(ground: Ground, database: str, case: str, items: int, way: str, books: Books) -> Measure:
    plan = ground.plan

    def measure(seconds: float) -> Mapping[str, float]:
        job = bulk.Job(
            url=ground.url(database),
            way=way,
            items=items,
            clients=CLIENTS,
            seconds=seconds,
            organizations=plan.organizations,
            users=plan.users,
        )
        with proved(books, CREDITS) as acknowledged:
            output = run(
                own_module("bulk"),
                given=json.dumps(asdict(job)),
                timeout_seconds=seconds + GRACE_SECONDS,
            )
            done = json.loads(output)
            acknowledged.charges = done["items"]
        return {case: done["per_second"]}

    return measure


def _copy_target(ground: Ground, database: str) -> None:
    """The usage table again, unless it is there."""
    with ground.connect(database) as connection:
        found = connection.execute("SELECT to_regclass('bench.copied')").fetchone()
        if found != (None,):
            return
        connection.execute("SET synchronous_commit = off")
        for statement in cast.statements("copy_target.sql"):
            connection.execute(statement)
    with ground.superuser(database) as connection:
        settle(connection)
