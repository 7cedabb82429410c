"""What one request costs, as it was measured: `bench/results/costs.json`, and the bench's own results beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench import results
from bench.programs import ROOT
from bench.results import Results

COSTS: Final = ROOT / "bench" / "results" / "costs.json"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one charge by one kind of request.

    Attributes:
        web_us, database_us: microseconds of CPU, of the web processes and of all of PostgreSQL's.
        wal_bytes: what is written to the log.
        per_second: how many the measured machine did, with the load's own CPU on it.
    """

    web_us: float
    database_us: float
    wal_bytes: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Setup:
    """So many web processes, each with so many places for requests at work, and what they did together."""

    processes: int
    places: int
    per_second: float


@dataclass(frozen=True, slots=True)
class Costs:
    """Everything that the model reads.

    Attributes:
        machine: on what it was measured.
        single, batched: a charge by itself, and one of a batch of 1,000.
        hot_user_per_second: charges of one member by single requests, one after the other on one row.
        row_bytes: a usage row with its part of the indexes.
        dashboard_ms: an ordinary organization's dashboard, all queries together.
        setups: how processes and places scale.
    """

    machine: Mapping[str, Any]
    single: Cost
    batched: Cost
    hot_user_per_second: float
    row_bytes: float
    dashboard_ms: float
    setups: Sequence[Setup]

    def with_results(self, measured: Results) -> Costs:
        """The same, with what a run of the bench has measured better: longer, in rounds."""
        found = {row.case: row.ours for row in measured.rows}
        single = Cost(
            self.single.web_us,
            self.single.database_us,
            found.get("sql_deduct_spread_wal", self.single.wal_bytes),
            found.get("http_deduct_coalesced", found.get("http_deduct", self.single.per_second)),
        )
        batched = Cost(
            self.batched.web_us,
            self.batched.database_us,
            self.batched.wal_bytes,
            found.get("http_batch_1000", self.batched.per_second),
        )
        return Costs(
            machine=self.machine,
            single=single,
            batched=batched,
            hot_user_per_second=found.get(
                "http_deduct_one_user_coalesced",
                found.get("sql_deduct_one_user", self.hot_user_per_second),
            ),
            row_bytes=self.row_bytes,
            dashboard_ms=found.get("dashboard_org_ordinary", self.dashboard_ms),
            setups=self.setups,
        )


def document(costs: Costs) -> str:
    """As JSON, to be kept."""
    return json.dumps(asdict(costs), indent=1) + "\n"


def known() -> Costs:
    """The costs that are kept, with the newest results of the bench."""
    return read().with_results(results.read(results.LATEST.read_text(encoding="utf-8")))


def read(path: Path = COSTS) -> Costs:
    """What was kept.

    Raises:
        KeyError, TypeError: it has another shape.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    return Costs(
        **{
            **content,
            "single": Cost(**content["single"]),
            "batched": Cost(**content["batched"]),
            "setups": [Setup(**one) for one in content["setups"]],
        }
    )
