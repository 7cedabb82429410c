"""docs/performance.md, made of the results: the same page from the same document, always."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.results import Results, shown
from bench.rounds import Row


@dataclass(frozen=True, slots=True)
class Goal:
    """What a ratio has to be: at least, or at most, so much."""

    at_least: float | None = None
    at_most: float | None = None

    def __str__(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"

    def met(self, ratio: float) -> bool:
        """Whether a ratio is good enough."""
        if self.at_least is not None:
            return ratio >= self.at_least
        return self.at_most is not None and ratio <= self.at_most


GOALS: Final[Mapping[tuple[str, str], Goal]] = {
    ("sql_deduct_spread", "predecessor"): Goal(at_least=1.5),
    ("sql_deduct_spread", "bare_limit"): Goal(at_least=0.7),
    ("sql_deduct_one_org", "predecessor"): Goal(at_least=5),
    ("sql_batch_1000", "copy"): Goal(at_least=0.7),
    ("sql_deduct_grown", "own_empty"): Goal(at_least=0.8),
    ("http_deduct", "fastapi_pool"): Goal(at_least=1.2),
    ("http_deduct", "predecessor_http"): Goal(at_least=10),
    ("http_deduct_coalesced", "fastapi_pool"): Goal(at_least=1.8),
    ("http_deduct_one_user_coalesced", "own_not_coalesced"): Goal(at_least=1.8),
    ("http_deduct_one_user_coalesced", "fastapi_pool"): Goal(at_least=3),
    ("http_batch_1000", "own_deduct"): Goal(at_least=30),
    ("dashboard_org", "own_100k_rows"): Goal(at_most=1.5),
    ("dashboard_system", "own_100k_rows"): Goal(at_most=2),
}

SQL_TEXT: Final = """
`pgbench` with prepared statements calls the ledger's function under the real schema, and the peers' in a database of
their own on the same server, with as many usage rows. 16 clients, and a key for each call, unless the case says
otherwise. `_wal` is the write-ahead log of a call, in bytes. A batch is one call of the batch function by each of 8
connections; `copy` puts the same rows into a copy of the usage table with its CHECKs and indexes, without its triggers
and foreign keys. Rows without a key are narrower: they fit into what the filled pages have left, one into each, so that
each writes a whole page to the log until the gaps are filled.
"""
HTTP_TEXT: Final = """
32 connections, each request with a key of its own. The service runs as production starts it, behind a proxy as far as
it can tell, with authentication, permissions, rate limits, request ids, logs and idempotency. `half_load` is the
latency at half of the speed that the same contender had just reached, from the moment that a request was due. Batches
are compared with single charges, by charges a second.
"""
DASHBOARD_TEXT: Final = """
The functions that the console's pages and the API's dashboards call, one query after the other; the first row of each
is their sum. The largest organization has a tenth of all usage. All usage is of the last 27 days, so that a window of
30 days has all of it: the hardest case.
"""
#: Beginning of the cases' names, heading, what is to be known.
FAMILIES: Final = (
    ("sql_", "In SQL", SQL_TEXT),
    ("http_", "Over HTTP", HTTP_TEXT),
    ("dashboard_", "Dashboards", DASHBOARD_TEXT),
    ("usage_", "History", "The newest 50 usage rows of the largest organization."),
)

PEERS: Final = {
    "predecessor": "the predecessor's function, written again from its description: an allocation, a pool and a usage "
    "row under seven indexes, one of them GIN; no idempotency",
    "bare_limit": "one statement: one balance by its key, one row as wide as ours under one index",
    "copy": "`COPY` of the same rows into the same table and indexes",
    "fastapi_pool": "FastAPI on uvicorn with a pool of asyncpg: the same SQL function and checks, keys cached",
    "predecessor_http": "the predecessor's way: FastAPI, a new connection for each request, its own function",
    "own_100k_rows": "this service with 100 thousand usage rows",
    "own_empty": "this service's ledger without usage rows",
    "own_deduct": "single charges of this service, in the same round",
    "own_not_coalesced": "this service without putting concurrent charges together",
}

HEAD: Final = """# Performance

Made by `make bench` of `bench/results/latest.json`; a test compares the two. Change `bench/page.py`, not this page.

A figure alone says more about a machine than about a service: so everything is measured beside something else, in
turns, in one run. **Ratio** is ours / theirs, the median over the rounds of two measurements of the same round; next
to it are the smallest and the largest round's. Ours and theirs are medians. Every commit is durable: `fsync`,
`synchronous_commit` and `full_page_writes` are on in every row, and the data lies on a disk.

After every measurement of charges the books are compared with what the load counted: charges, credits and balances,
to the last one. A request that is answered otherwise than it should, a book that disagrees, or an equation of the
ledger that doesn't hold at the end (`manage.py verify_ledger`) fails the run, and nothing is written.

## Repeat it

| command | does |
|---|---|
| `make bench` | everything, with a million usage rows |
| `make bench ARGS="--rows 10000000"` | the same at another size |
| `make bench-quick` | the cases that matter most, in two minutes |
| `make bench ARGS="--only http_deduct --rounds 9"` | some cases, shown and not written; `--list` names them |

It starts a PostgreSQL of its own below `build/bench/` and removes it afterwards, also when it is killed; `.data/` and
a running `make run` aren't touched. Nothing else should run meanwhile. The peers' packages have an environment of
their own, `build/bench/environment`.
"""

#: What holds the goals that aren't met, by profile; where each was found and what was tried is in the decisions.
REMAINS: Final = {
    "A single charge in SQL": "costs 410 µs of processor time, of which PostgreSQL spends 75 on reading the CHECKs "
    "anew for each statement, and 100 on the commit. Without any guard it would cost about what the predecessor's "
    "does, which has none ([decision 35](adr/0035-what-a-charge-pays-for.md)). Members of one organization don't "
    "wait for each other; 16 clients then wait for the write-ahead log.",
    "A batch of 1,000 in SQL": "costs 27 to 31 µs an item: about half of it to write the row under its CHECKs and nine "
    "indexes, a quarter to read, price and look for keys, and then its foreign keys, which the copy's table has not "
    "([decision 35](adr/0035-what-a-charge-pays-for.md)).",
    "A charge over HTTP": "takes 1.5 ms of two cores at 32 connections: 0.86 the web process, 0.35 PostgreSQL, the "
    "rest the load and waiting for the log. Called in a loop without a database, the process's own work is 0.35 ms; "
    "between waits, when others have used the processor's caches, about twice that. A lane at the door for this one "
    "address saved 90 µs, and would have been a second copy of what the views do. The same views in an event loop, "
    "which change threads 7 times a charge in place of 17, took 19 to 23 % more charges "
    "([decision 30](adr/0030-two-doors.md)).",
    "One hot user over HTTP": "is charged as fast as many users are, once their charges are put together: the row's "
    "lock and the commit, which hold them back otherwise, are shared, and what is left is the web process's work, as "
    "above. The peer has the same speed for them as for many, less the wait for that lock.",
    "A batch over HTTP": "takes about 22 µs an item in the web process, of which 18 are the work on the item itself: "
    "its hash and record 3.5, parsing and recognizing 2.5 each, its line in the log 2, the answer 4 "
    "([decision 37](adr/0037-ordinary-bodies.md)). PostgreSQL takes as much or more: at full load the two cores are "
    "shared evenly. Single charges, against which it is taken, have become faster as well.",
}

NOTHING: Final = """
## Results

Nothing has been measured yet: `make bench` writes this part.
"""


def page(results: Results) -> str:
    """The whole page."""
    if not results.rows:
        return HEAD + NOTHING + "\n" + "\n".join(_peers())
    parts = [HEAD, *_machine(results.machine)]
    for prefix, title, text in FAMILIES:
        rows = [row for row in results.rows if row.case.startswith(prefix)]
        if rows:
            parts += ["", f"## {title}", "", *wrapped(text), "", *_table(rows)]
    parts += ["", *_not_measured(results.machine.get("not_measured", {})), *_remains(), *_peers()]
    return "\n".join(parts)


def wrapped(text: str, width: int = 119) -> list[str]:
    """A paragraph in lines."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _machine(machine: Mapping[str, Any]) -> Iterator[str]:
    yield "## On what\n\n| | |\n|---|---|"
    for name, value in machine.items():
        if name == "not_measured":
            continue
        text = (
            ", ".join(f"{key} {one}" for key, one in value.items())
            if isinstance(value, Mapping)
            else f"{value:,}"
            if isinstance(value, int)
            else str(value)
        )
        yield f"| {name.replace('_', ' ')} | {text} |"


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| case | peer | ratio | min to max | goal | ours | theirs | unit |"
    yield "|---|---|--:|--:|--:|--:|--:|---|"
    for row in rows:
        goal = GOALS.get((row.case, row.peer))
        wanted = "" if goal is None else f"{goal}{'' if goal.met(row.ratio) else ' (not met)'}"
        yield (
            f"| `{row.case}` | `{row.peer}` | {row.ratio:.3g} | {row.min:.3g} to {row.max:.3g} | {wanted} "
            f"| {shown(row.ours)} | {shown(row.theirs)} | {row.unit} |"
        )


def _not_measured(reasons: Mapping[str, str]) -> Iterator[str]:
    if reasons:
        yield "## Not measured\n\n| case | because |\n|---|---|"
        for case, reason in reasons.items():
            yield f"| `{case}` | {reason} |"
        yield ""


def _remains() -> Iterator[str]:
    yield "## What holds the goals that aren't met"
    for title, text in REMAINS.items():
        first, *others = wrapped(f"**{title}** {text}", 117)
        yield "\n".join(["", f"- {first}", *(f"  {line}" for line in others)])
    yield ""


def _peers() -> Iterator[str]:
    yield "## The peers\n\n| peer | is |\n|---|---|"
    for name, text in PEERS.items():
        yield f"| `{name}` | {text} |"
    yield ""
