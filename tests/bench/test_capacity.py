"""The model's arithmetic, by numbers that a person can follow, and the page that is made of it."""

from dataclasses import replace

import pytest

from bench import results
from bench.capacity import __main__ as capacity
from bench.capacity import costs, page
from bench.capacity.costs import Cost, Costs, Setup
from bench.capacity.model import Demand, Terms, bottlenecks, connections_of, size
from bench.results import Results
from bench.rounds import Row

COSTS = Costs(
    machine={"cores": 2, "processor": "x", "python": "3", "postgresql": "18"},
    single=Cost(web_us=400, database_us=200, wal_bytes=1_000, per_second=2_000),
    batched=Cost(web_us=40, database_us=20, wal_bytes=500, per_second=20_000),
    hot_user_per_second=1_500,
    row_bytes=500,
    dashboard_ms=6,
    setups=[Setup(2, 10, 2_000)],
)
#: 864,000 charges a day: 10 a second, 100 at the peak.
DEMAND = Demand(
    organizations=864,
    members=10,
    charges_per_member_day=100,
    peak=10,
    dashboards_per_member_day=10,
    kept_months=10,
)
TERMS = Terms(
    busy=0.5, database_cores=4, pool_size=10, core_price=10, disk_gb_price=1, backup_gb_price=0.5
)


def test_a_small_demand_needs_the_least():
    found = size(DEMAND, COSTS, TERMS)
    assert (DEMAND.average, DEMAND.busiest, DEMAND.rows_per_month) == (10, 100, 25_920_000)
    assert (found.web_cores, found.database_cores, found.nodes) == (2, 2, 1)
    # One dashboard a second on average, ten at the peak, 6 ms each, at half of a core.
    assert found.dashboard_cores == pytest.approx(0.12)
    assert found.disk_gb == pytest.approx(25.92e6 * 10 * 500 / 1e9)
    assert found.wal_gb_per_day == pytest.approx(0.864)
    assert found.wal_mb_per_second == pytest.approx(0.1)
    assert found.pooled == 2 * 21
    # Two web cores, two of the database twice; disk twice, and a backup.
    assert found.money == pytest.approx(6 * 10 + 129.6 * 2 * 1 + 129.6 * 0.5)
    assert found.money_per_million == pytest.approx(found.money / 25.92)


def test_cores_grow_with_the_peak_until_one_machine_is_too_small():
    ten = size(DEMAND.times(10), COSTS, TERMS)
    # 1,000 a second: 0.4 s of CPU at half of a core is 0.8 core, 0.2 s is 0.4, and dashboards are 1.2.
    assert (ten.web_cores, ten.database_cores, ten.nodes) == (2, 2, 1)
    hundred = size(DEMAND.times(100), COSTS, TERMS)
    # 10,000 a second: 8 of the web; 4 and 12 of PostgreSQL are more than 4. Distributed, the 4 are 3.6 times as many.
    assert (hundred.web_cores, hundred.database_cores, hundred.nodes) == (8, 27, 7)
    assert hundred.wal_mb_per_second == pytest.approx(10 / 7)


def test_batches_cost_what_batches_cost():
    half = replace(DEMAND.times(100), batched=0.5, dashboards_per_member_day=0)
    found = size(half, COSTS, TERMS)
    # (400 + 40) / 2 = 220 µs, (200 + 20) / 2 = 110 µs, 750 bytes.
    assert (found.web_cores, found.database_cores, found.nodes) == (5, 3, 1)
    assert found.wal_mb_per_second == pytest.approx(7.5)


def test_a_disk_that_is_too_slow_spreads_the_log():
    found = size(DEMAND.times(100), COSTS, replace(TERMS, database_cores=100, disk_mb_per_second=4))
    assert found.nodes == 3
    assert found.wal_mb_per_second == pytest.approx(10 / 3)


def test_bottlenecks_come_in_the_order_in_which_they_end():
    terms = replace(TERMS, connections=63, disk_mb_per_second=5)
    found = {one.name.split(":")[0]: one for one in bottlenecks(DEMAND, COSTS, terms)}
    limits = {name: one.per_second for name, one in found.items()}
    # Half a core at 400 µs; three processes of 21 connections; two cores at 200 µs; 5 MB/s at 1,000 bytes.
    assert limits == {
        "one web process, one core": 1_250,
        "connections without a pooler": 3_750,
        "the disk": 5_000,
        "PostgreSQL's cores": 10_000,
    }
    assert list(limits.values()) == sorted(limits.values())
    assert found["the disk"].scale == 50
    assert connections_of(TERMS) == 21


def test_what_the_bench_has_measured_takes_the_place_of_what_was_measured_for_this():
    rows = [
        Row("http_deduct", "fastapi_pool", 1.2, 1, 2, 2_222, 1_111, "requests/s"),
        Row("sql_deduct_spread_wal", "bare_limit", 1.2, 1, 2, 777, 333, "bytes/call"),
    ]
    found = COSTS.with_results(Results({}, rows))
    assert (found.single.per_second, found.single.wal_bytes) == (2_222, 777)
    assert (found.single.web_us, found.batched, found.dashboard_ms) == (400, COSTS.batched, 6)


def test_costs_are_kept_and_read_again(tmp_path):
    kept = tmp_path / "costs.json"
    kept.write_text(costs.document(COSTS))
    assert costs.read(kept) == COSTS


def test_the_page_is_made_of_the_documents():
    """`make capacity` writes it; nobody does by hand."""
    assert page.PAGE.read_text(encoding="utf-8") == capacity.text({})
    assert costs.COSTS.read_text(encoding="utf-8") == costs.document(costs.read())
    results.read(results.LATEST.read_text(encoding="utf-8"))


def test_another_demand_makes_another_page():
    asked = capacity.arguments(["--organizations", "500", "--core-price", "40"])
    given = capacity.asked_for(asked)
    assert given == {"organizations": 500, "core_price": 40.0}
    text = capacity.text(given)
    assert "500 organizations" in text
    assert "a core costs 40 a month" in text.replace("\n", " ")
