"""docs/scaling.md: the same page from the same costs and terms, always."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from bench.capacity.costs import Costs
from bench.capacity.model import (
    DAY_SECONDS,
    SCALES,
    Demand,
    Size,
    Terms,
    bottlenecks,
    connections_of,
    size,
)
from bench.page import wrapped
from bench.programs import ROOT

PAGE: Final = ROOT / "docs" / "scaling.md"

HEAD: Final = """# Scaling

Made by `make capacity` of `bench/results/costs.json` and `bench/results/latest.json`; a test compares. Change
`bench/capacity/`, not this page. `make capacity ARGS="--organizations 500 --core-price 40"` prints it for a demand and
prices of your own, `--help` names all; `ARGS="--measure"` measures the costs anew, in two minutes.
"""

#: Who keeps it, and what.
SHARED: Final = {
    "each process": "its connections (two pools, a watch, the replica's), API keys for a few seconds, charges that "
    "wait to be put together, its metrics until they are in its file",
    "each machine": "the files of the metrics (`METRICS_DIR`): one `/metrics` tells of all processes of a machine",
    "all machines": "everything else: balances, keys, answers, sessions, jobs and webhooks in PostgreSQL; counters of "
    "the limits there too, or in Redis with `REDIS_URL`",
}

OTHER_LIMITS: Final = """
One member is one row: whoever charges it waits for the other, {hot:,.0f} charges a second here; batches carry more,
for they take the row once. One organization is no limit: its members share no row with each other in a charge. One API
key has `RATE_LIMIT_SERVICE`, {rate:g} requests a second unless it is raised, a batch of 1,000 counting as one. The
counters themselves are a statement for each request, on connections of their own; with `REDIS_URL` PostgreSQL has
nothing to do with them.

Vacuum: a charge updates one allocation in place (HOT, for no index names what changes) and adds one usage row that is
never updated, so there is little for vacuum to do but to freeze. At {tx:,.0f} transactions a second, the average of
{at} times today's demand, `autovacuum_freeze_max_age` (200 million) is reached in {days:,.0f} days: let vacuum run.

Growth: usage rows are the largest table by far. Time-ordered keys keep charges from slowing down with it, rollups keep
dashboards flat. What remains is disk, and the time of a backup: keep fewer months, or partition by month, as
[performance](performance.md) says with figures.
"""

LEAVING: Final = """
In this order, each when the one before is full; none of them changes what a caller sees.

1. **Batches** where callers have several charges at hand: they cost a fraction of single ones, on both sides.
2. **More web processes**, one for each core, on any number of machines; `REDIS_URL` for the counters.
3. **PgBouncer** from some ten web processes on ([deployment](deployment.md#pgbouncer)).
4. **A read replica** when reports are a notable part of PostgreSQL's load
   ([deployment](deployment.md#a-read-replica)), or to have a second copy.
5. **A larger machine for PostgreSQL**, with a disk that takes the log.
6. **Citus**, when no machine is large enough: organizations are spread over several, by `org_id`. It costs
   {single:g} times the CPU for a single charge and {batched:g} times for one of a batch, so it pays from about
   {pays:,.0f} charges a second on.
"""


def page(costs: Costs, demand: Demand, terms: Terms) -> str:
    """The whole page."""
    sizes = [(scale, size(demand.times(scale), costs, terms)) for scale in SCALES]
    parts = [HEAD, *_costs(costs), "", *_demand(demand, terms), "", *_sizes(sizes), ""]
    parts += [
        *_limits(costs, demand, terms),
        "",
        *_processes(costs, terms),
        "",
        "## What to do when",
        "",
    ]
    pays = terms.database_cores * terms.busy * 1e6 / costs.single.database_us
    parts += _paragraphs(
        LEAVING.format(single=terms.citus_single, batched=terms.citus_batched, pays=pays)
    )
    return "\n".join(parts).rstrip("\n") + "\n"


def _costs(costs: Costs) -> Iterator[str]:
    machine = costs.machine
    told = f"{machine['processor']}, Python {machine['python']}, PostgreSQL {machine['postgresql']}"
    yield "## What a charge costs\n"
    yield from wrapped(
        f"Measured on {machine['cores']} cores that the load, the web processes and PostgreSQL shared "
        f"({told}), everything durable."
    )
    yield "\n| a charge | web, µs of CPU | PostgreSQL, µs of CPU | log, bytes | a second on that machine |"
    yield "|---|--:|--:|--:|--:|"
    for name, cost in (
        ("by itself, with a key", costs.single),
        ("in a batch of 1,000", costs.batched),
    ):
        yield (
            f"| {name} | {cost.web_us:,.0f} | {cost.database_us:,.0f} | {cost.wal_bytes:,.0f} "
            f"| {cost.per_second:,.0f} |"
        )
    yield ""
    yield from wrapped(
        f"A usage row takes {costs.row_bytes:,.0f} bytes with its part of the indexes. An ordinary organization's "
        f"dashboard takes PostgreSQL {costs.dashboard_ms:,.1f} ms."
    )


def _demand(demand: Demand, terms: Terms) -> Iterator[str]:
    yield "## What is asked for\n"
    yield from wrapped(
        f"Today's demand stands for {demand.organizations:,} organizations of {demand.members:,} members, each charged "
        f"{demand.charges_per_member_day:g} times and looking at {demand.dashboards_per_member_day:g} dashboards a "
        f"day, {demand.peak:g} times the average in the busiest second, {demand.batched:.0%} of it in batches; rows "
        f"are kept {demand.kept_months} months. At the peak a core is {terms.busy:.0%} busy. PostgreSQL gets a "
        f"machine of {terms.database_cores} cores at most, its disk takes {terms.disk_mb_per_second:g} MB of log a "
        f"second, and there are {terms.copies} copies of the data. In one currency of your choice a core costs "
        f"{terms.core_price:g} a month, a gigabyte of disk {terms.disk_gb_price:g}, of backup "
        f"{terms.backup_gb_price:g}."
    )


def _sizes(sizes: list[tuple[int, Size]]) -> Iterator[str]:
    yield "## What it takes\n"
    yield "| times today's demand | " + " | ".join(f"{scale:,}" for scale, _ in sizes) + " |"
    yield "|---|" + "--:|" * len(sizes)
    rows: tuple[tuple[str, Callable[[Size], str]], ...] = (
        ("organizations", lambda one: f"{one.demand.organizations:,}"),
        ("charges a second, average", lambda one: f"{one.demand.average:,.1f}"),
        ("charges a second, peak", lambda one: f"{one.demand.busiest:,.0f}"),
        ("usage rows a month", lambda one: f"{one.demand.rows_per_month:,.0f}"),
        ("web cores, a process each", lambda one: f"{one.web_cores:,}"),
        ("connections of the web processes", lambda one: f"{one.pooled:,}"),
        ("PostgreSQL cores", lambda one: f"{one.database_cores:,}"),
        ("of them for dashboards", lambda one: f"{one.dashboard_cores:,.1f}"),
        ("machines of PostgreSQL", lambda one: f"{one.nodes:,}"),
        ("usage rows kept, GB a copy", lambda one: f"{one.disk_gb:,.0f}"),
        ("log at the peak, MB/s a machine", lambda one: f"{one.wal_mb_per_second:,.2f}"),
        ("log, GB a day", lambda one: f"{one.wal_gb_per_day:,.1f}"),
        ("money a month", lambda one: f"{one.money:,.0f}"),
        ("money for a million charges", lambda one: f"{one.money_per_million:,.2f}"),
    )
    for name, shown in rows:
        yield f"| {name} | " + " | ".join(shown(one) for _, one in sizes) + " |"


def _limits(costs: Costs, demand: Demand, terms: Terms) -> Iterator[str]:
    yield "## What ends first\n"
    yield "| limit | charges a second | times today's peak | lifted by |"
    yield "|---|--:|--:|---|"
    for one in bottlenecks(demand, costs, terms):
        yield f"| {one.name} | {one.per_second:,.0f} | {one.scale:,.0f} | {one.lifted_by} |"
    at = SCALES[-2]
    average = demand.times(at).average
    yield ""
    yield from _paragraphs(
        OTHER_LIMITS.format(
            hot=costs.hot_user_per_second,
            rate=terms.rate_per_key,
            tx=average,
            at=at,
            days=200e6 / average / DAY_SECONDS,
        )
    )


def _processes(costs: Costs, terms: Terms) -> Iterator[str]:
    yield "## Many web processes\n"
    yield "| kept by | what |\n|---|---|"
    yield from (f"| {who} | {what} |" for who, what in SHARED.items())
    yield ""
    yield from wrapped(
        f"A process opens {connections_of(terms)} connections at most with `DB_POOL_SIZE={terms.pool_size}`. How "
        f"processes and the places of each (`DB_POOL_SIZE`: requests at work at once) did together, on "
        f"{costs.machine['cores']} cores that the load and PostgreSQL needed too:"
    )
    yield "\n| web processes | places of each | charges a second |"
    yield "|--:|--:|--:|"
    for one in costs.setups:
        yield f"| {one.processes} | {one.places} | {one.per_second:,.0f} |"


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.strip("\n").split("\n\n")):
        if number:
            yield ""
        if paragraph.startswith(("1.", "|")):
            yield paragraph
        else:
            yield from wrapped(paragraph)
