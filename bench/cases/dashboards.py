"""Dashboards over the ledger with all its rows, beside one with 100 thousand: every query, and their sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final

from bench import cast
from bench.ground import Ground
from bench.plan import Plan
from bench.programs import Conversation, conversation, own_module
from bench.rounds import OURS, Comparison, Measure

#: Numbers of organizations: the largest has a tenth of all usage; this one is like most.
LARGEST: Final = 0
#: Long enough for a query that nobody should have to wait for.
STATEMENT_TIMEOUT_MS: Final = "600000"
ORG: Final = (
    "pool",
    "alerts",
    "members",
    "usage_by_day",
    "refusals",
    "top_members",
    "usage_30_days",
)
SYSTEM: Final = (
    "revenue",
    "subscriptions",
    "credits",
    "top_organizations",
    "past_due",
    "usage_by_day",
    "sign_ups",
    "ledger_health",
    "api_totals",
    "api_usage_by_day",
)


def comparisons(plan: Plan) -> list[Comparison]:
    """The largest organization's, an ordinary one's, the system's, and a page of history."""
    return [
        _view("dashboard_org", "org", ORG, LARGEST),
        _view("dashboard_system", "system", SYSTEM, LARGEST),
        _view("dashboard_org_ordinary", "org", ORG, plan.organizations // 2, detail=True),
        _view("usage_history", "history", ("newest",), LARGEST, detail=True),
    ]


def _view(
    case: str, view: str, queries: tuple[str, ...], org: int, *, detail: bool = False
) -> Comparison:
    cases = {case: "ms", **{f"{case}_{query}": "ms" for query in queries}}
    return Comparison(cases, partial(_stage, case=case, view=view, org=org), detail=detail)


@contextmanager
def _stage(ground: Ground, *, case: str, view: str, org: int) -> Iterator[Mapping[str, Measure]]:
    small = ground.ledger("own_small", ground.plan.rows_small)
    with _reader(ground, ground.own()) as ours, _reader(ground, small) as theirs:
        load = partial(_load, case=case, view=view, org=org)
        yield {OURS: load(ours), "own_100k_rows": load(theirs)}


def _load(reader: Conversation, *, case: str, view: str, org: int) -> Measure:
    def measure(seconds: float) -> Mapping[str, float]:
        found = reader.ask({"view": view, "org_id": str(cast.org_id(org)), "seconds": seconds})
        return {
            case: sum(found.values()),
            **{f"{case}_{query}": taken for query, taken in found.items()},
        }

    return measure


@contextmanager
def _reader(ground: Ground, database: str) -> Iterator[Conversation]:
    env = ground.env(database, DB_STATEMENT_TIMEOUT_MS=STATEMENT_TIMEOUT_MS)
    with conversation(own_module("reading"), env) as reader:
        yield reader
