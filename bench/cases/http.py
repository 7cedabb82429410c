"""Charges over HTTP, as a service in production answers them, beside the peers' applications."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import partial
from statistics import quantiles
from typing import Any, Final

from bench.ground import PEERS, Ground
from bench.peers.standing import PredecessorBooks, peers
from bench.plan import Plan
from bench.programs import ROOT, end, own_module, run_together, start
from bench.proof import Books, OwnBooks, proved
from bench.requests import Job
from bench.rounds import OURS, Comparison, Measure, RoundFailed
from bench.serving import application, service

#: Processes of the load generator, which share the connections.
GENERATORS: Final = 2
GRACE_SECONDS: Final = 90
#: The setting that lets a process put concurrent charges together; what it is worth is measured once it exists.
COALESCING: Final = "COALESCE_DEDUCTS"
NO_COALESCING: Final = f"the service has no setting {COALESCING}"


def comparisons(_plan: Plan) -> list[Comparison]:
    """The issue's cases; then checks, holds, smaller batches and the one hot member."""
    deduct = {
        "http_deduct": "requests/s",
        "http_deduct_half_load_p50": "ms",
        "http_deduct_half_load_p99": "ms",
    }
    coalesced = {name.replace("deduct", "deduct_coalesced"): unit for name, unit in deduct.items()}
    missing = "" if coalesces() else NO_COALESCING
    one_user = {"organizations": 1, "users": 1}
    return [
        Comparison(deduct, partial(_deducts, case="http_deduct")),
        Comparison(
            coalesced,
            partial(_deducts, case="http_deduct_coalesced", coalescing=True),
            missing=missing,
        ),
        Comparison(
            {"http_deduct_one_user": "requests/s"},
            partial(_deducts, case="http_deduct_one_user", who=one_user),
            detail=True,
        ),
        Comparison(
            {"http_deduct_one_user_coalesced": "requests/s"},
            partial(_deducts, case="http_deduct_one_user_coalesced", who=one_user, coalescing=True),
            detail=True,
            missing=missing,
        ),
        Comparison(
            {"http_batch_1000": "charges/s"}, partial(_beside_deducts, kind="batch", items=1000)
        ),
        Comparison(
            {"http_batch_100": "charges/s"},
            partial(_beside_deducts, kind="batch", items=100),
            detail=True,
        ),
        Comparison(
            {"http_check": "requests/s"}, partial(_beside_deducts, kind="check"), detail=True
        ),
        Comparison(
            {"http_hold_capture": "pairs/s"},
            partial(_beside_deducts, kind="hold_capture"),
            detail=True,
        ),
    ]


def coalesces() -> bool:
    """Whether the service knows the setting."""
    return COALESCING in (ROOT / "orgbilling" / "settings.py").read_text(encoding="utf-8")


@contextmanager
def _deducts(
    ground: Ground,
    *,
    case: str,
    coalescing: bool = False,
    who: Mapping[str, int] | None = None,
) -> Iterator[Mapping[str, Measure]]:
    """Single charges: ours, the peers', and ours without coalescing where that is what is measured."""
    own, theirs = ground.own(), peers(ground)
    books = OwnBooks(ground, own)
    load = partial(_load, ground, case, who or spread(ground.plan))
    with ExitStack() as stack:
        variant = {COALESCING: "true"} if coalescing else {}
        contenders = {
            OURS: load(stack.enter_context(service(ground, own, **variant)), books),
            "fastapi_pool": load(
                stack.enter_context(application(ground, "fastapi_pool", own)), books
            ),
        }
        if coalescing:
            port = stack.enter_context(
                service(ground, own, "own_not_coalesced", **{COALESCING: "false"})
            )
            contenders["own_not_coalesced"] = load(port, books)
        if case == "http_deduct":
            port = stack.enter_context(application(ground, "predecessor_http", PEERS))
            contenders["predecessor_http"] = load(port, PredecessorBooks(ground))
        assert theirs == PEERS
        yield contenders


@contextmanager
def _beside_deducts(
    ground: Ground, *, kind: str, items: int = 0
) -> Iterator[Mapping[str, Measure]]:
    """Another request of ours, beside single charges of ours; a batch beside the peer's single charges, too."""
    own = ground.own()
    books = OwnBooks(ground, own)
    case = f"http_{kind}_{items}" if items else f"http_{kind}"
    load = partial(_load, ground, case, spread(ground.plan))
    with ExitStack() as stack:
        port = stack.enter_context(service(ground, own))
        contenders = {
            OURS: load(port, books, kind=kind, items=items),
            "own_deduct": load(port, books),
        }
        if items:
            theirs = stack.enter_context(application(ground, "fastapi_pool", own))
            contenders["fastapi_pool"] = load(theirs, books)
        yield contenders


def spread(plan: Plan) -> dict[str, int]:
    """Everybody is charged."""
    return {"organizations": plan.organizations, "users": plan.users}


def _load(
    ground: Ground,
    case: str,
    who: Mapping[str, int],
    port: int,
    books: Books,
    *,
    kind: str = "deduct",
    items: int = 0,
) -> Measure:
    """At full load, and for single charges at half of that as well."""
    job = Job(
        port=port,
        key=ground.key,
        kind=kind,
        connections=ground.plan.connections,
        seconds=0,
        items=items,
        **who,
    )

    def measure(seconds: float) -> Mapping[str, float]:
        full = loaded(replace(job, seconds=seconds), books)
        speed = full["charges"] if items else full["answers"]
        found = {case: speed / full["seconds"]}
        if case in {"http_deduct", "http_deduct_coalesced"}:
            half = replace(job, seconds=seconds, rate=found[case] / 2)
            cuts = quantiles(loaded(half, books)["latencies_ms"], n=100, method="inclusive")
            found[f"{case}_half_load_p50"], found[f"{case}_half_load_p99"] = cuts[49], cuts[98]
        return found

    return measure


def loaded(job: Job, books: Books | None) -> dict[str, Any]:
    """What a load did: `answers`, `charges`, `seconds` and `latencies_ms`, proved on the books.

    Raises:
        RoundFailed: an answer wasn't as it should be, or the books disagree.
    """
    if books is None:
        return _generate(job)
    with proved(books) as acknowledged:
        done = _generate(job)
        acknowledged.charges = done["charges"]
    return done


def _generate(job: Job) -> dict[str, Any]:
    count = min(GENERATORS, job.connections)
    parts = [
        replace(job, connections=len(range(one, job.connections, count)), rate=job.rate / count)
        for one in range(count)
    ]
    outputs = run_together(
        [own_module("load")] * count,
        given=[json.dumps(asdict(part)) for part in parts],
        timeout_seconds=job.seconds + GRACE_SECONDS,
    )
    all_done = [json.loads(output) for output in outputs]
    wrong = next((done["wrong"] for done in all_done if done["wrong"]), "")
    if wrong:
        raise RoundFailed(wrong)
    return {
        "answers": sum(done["answers"] for done in all_done),
        "charges": sum(done["charges"] for done in all_done),
        "seconds": max(done["seconds"] for done in all_done),
        "latencies_ms": [one for done in all_done for one in done["latencies_ms"]],
    }


def ceiling(plan: Plan, seconds: float) -> float:
    """Requests a second of the load generator against a server that does nothing."""
    process = start(own_module("idle"))
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        job = Job(
            port=port,
            key="obk_nobody",
            kind="deduct",
            connections=plan.connections,
            seconds=seconds,
        )
        done = loaded(job, None)
        return float(done["answers"] / done["seconds"])
    finally:
        end(process)
