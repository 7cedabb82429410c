"""From costs and a demand to cores, bytes and money. Arithmetic alone: nothing is measured here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from bench.capacity.costs import Costs

DAY_SECONDS: Final = 86_400
MONTH_DAYS: Final = 30
GB: Final = 1e9
#: Scales of the page, times the demand that is taken for today's.
SCALES: Final = (1, 10, 100, 1_000)


@dataclass(frozen=True, slots=True)
class Demand:
    """Who charges how much.

    Attributes:
        charges_per_member_day: on average.
        peak: charges in the busiest second, over the average.
        batched: the part of the charges that comes in batches, 0 to 1.
        dashboards_per_member_day: reads of a dashboard.
        kept_months: how long usage rows are kept in the database.
    """

    organizations: int = 100
    members: int = 10
    charges_per_member_day: float = 200
    peak: float = 10
    batched: float = 0
    dashboards_per_member_day: float = 5
    kept_months: int = 13

    def times(self, scale: int) -> Demand:
        """So many times as many organizations, which do what they did."""
        return replace(self, organizations=self.organizations * scale)

    @property
    def average(self) -> float:
        """Charges a second over the day."""
        return self.organizations * self.members * self.charges_per_member_day / DAY_SECONDS

    @property
    def busiest(self) -> float:
        """Charges a second at the peak."""
        return self.average * self.peak

    @property
    def rows_per_month(self) -> float:
        """Usage rows; a charge is one."""
        return self.average * DAY_SECONDS * MONTH_DAYS


@dataclass(frozen=True, slots=True)
class Terms:
    """What is bought, and how full it may be. Prices are of a month, in any one currency.

    Attributes:
        busy: the part of a core that the peak may use.
        database_cores: of the largest machine that PostgreSQL gets before it is distributed.
        citus_single, citus_batched: CPU of a distributed charge over that of one PostgreSQL (docs/citus.md).
        disk_mb_per_second: of log that a disk takes durably.
        connections: that PostgreSQL serves without a pooler in front.
        pool_size: DB_POOL_SIZE.
        rate_per_key: RATE_LIMIT_SERVICE, a second.
        copies: of the data: the primary's, a replica's.
        core_price, disk_gb_price, backup_gb_price: of a month.
    """

    busy: float = 0.6
    database_cores: int = 32
    citus_single: float = 3.6
    citus_batched: float = 1.3
    disk_mb_per_second: float = 200
    connections: int = 200
    pool_size: int = 12
    rate_per_key: float = 100
    copies: int = 2
    core_price: float = 25
    disk_gb_price: float = 0.12
    backup_gb_price: float = 0.03


@dataclass(frozen=True, slots=True)
class Size:
    """What a demand needs.

    Attributes:
        web_cores, database_cores: at the peak; whole ones, two at least.
        nodes: machines of PostgreSQL that share the organizations; 1: no Citus.
        disk_gb: usage rows of all that is kept, one copy.
        wal_mb_per_second: at the peak, of the busiest node.
        wal_gb_per_day: of all.
        pooled: connections of the web processes; the pooler's, when PostgreSQL alone can't serve them.
        dashboard_cores: of the database's, at the peak: what a replica takes away.
        money: of a month.
    """

    demand: Demand
    web_cores: int
    database_cores: int
    nodes: int
    disk_gb: float
    wal_mb_per_second: float
    wal_gb_per_day: float
    pooled: int
    dashboard_cores: float
    money: float

    @property
    def money_per_million(self) -> float:
        """For a million charges."""
        return self.money / (self.demand.rows_per_month / 1e6)


def size(demand: Demand, costs: Costs, terms: Terms) -> Size:
    """What the demand needs, by these costs and terms."""
    web_us = _mixed(demand, costs.single.web_us, costs.batched.web_us)
    database_us = _mixed(demand, costs.single.database_us, costs.batched.database_us)
    wal = _mixed(demand, costs.single.wal_bytes, costs.batched.wal_bytes)
    dashboards = demand.average / demand.charges_per_member_day * demand.dashboards_per_member_day
    dashboard_cores = dashboards * demand.peak * costs.dashboard_ms / 1e3 / terms.busy
    web = max(2, ceil(demand.busiest * web_us / 1e6 / terms.busy))
    alone = demand.busiest * database_us / 1e6 / terms.busy + dashboard_cores
    nodes, database = 1, max(2, ceil(alone))
    log_rate = demand.busiest * wal / 1e6
    if database > terms.database_cores or log_rate > terms.disk_mb_per_second:
        distributed_us = _mixed(
            demand,
            costs.single.database_us * terms.citus_single,
            costs.batched.database_us * terms.citus_batched,
        )
        database = ceil(demand.busiest * distributed_us / 1e6 / terms.busy + dashboard_cores)
        nodes = max(
            2, ceil(database / terms.database_cores), ceil(log_rate / terms.disk_mb_per_second)
        )
    disk = demand.rows_per_month * demand.kept_months * costs.row_bytes / GB
    cores = web + database * terms.copies
    money = (
        cores * terms.core_price
        + disk * terms.copies * terms.disk_gb_price
        + disk * terms.backup_gb_price
    )
    return Size(
        demand=demand,
        web_cores=web,
        database_cores=database,
        nodes=nodes,
        disk_gb=disk,
        wal_mb_per_second=log_rate / nodes,
        wal_gb_per_day=demand.average * DAY_SECONDS * wal / GB,
        pooled=web * connections_of(terms),
        dashboard_cores=dashboard_cores,
        money=money,
    )


def connections_of(terms: Terms) -> int:
    """Of one web process at most: two pools, and the watch."""
    return 2 * terms.pool_size + 1


def _mixed(demand: Demand, single: float, batched: float) -> float:
    return single * (1 - demand.batched) + batched * demand.batched


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What ends first: its limit in charges a second, and how many times today's peak that is."""

    name: str
    per_second: float
    scale: float
    lifted_by: str


def bottlenecks(demand: Demand, costs: Costs, terms: Terms) -> Iterator[Bottleneck]:
    """The limits of one PostgreSQL, the lowest first; those of one key and one member stand for themselves."""
    web_us = _mixed(demand, costs.single.web_us, costs.batched.web_us)
    database_us = _mixed(demand, costs.single.database_us, costs.batched.database_us)
    wal = _mixed(demand, costs.single.wal_bytes, costs.batched.wal_bytes)
    per_process = terms.busy / web_us * 1e6
    limits = (
        (
            "one web process, one core",
            per_process,
            "more processes; batches; coalescing",
        ),
        (
            f"connections without a pooler: {terms.connections}",
            terms.connections // connections_of(terms) * per_process,
            "PgBouncer; `REDIS_URL`, which halves them",
        ),
        (
            f"PostgreSQL's cores: {terms.database_cores}",
            terms.database_cores * terms.busy / database_us * 1e6,
            "batches; coalescing; a replica for reports; Citus",
        ),
        (
            f"the disk: {terms.disk_mb_per_second:g} MB/s of log",
            terms.disk_mb_per_second * 1e6 / wal,
            "batches; `wal_compression = lz4`; a disk for the log alone; Citus",
        ),
    )
    found = [Bottleneck(name, limit, limit / demand.busiest, lift) for name, limit, lift in limits]
    yield from sorted(found, key=lambda one: one.per_second)
