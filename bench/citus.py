"""`make bench-citus`: the ledger's calls on a Citus cluster beside one PostgreSQL, and deducts while a shard moves.

CITUS_DATABASE_URL is a superuser's address of the coordinator. Both databases are made there anew and dropped: the one
whole, on the coordinator's server; the other filled, then distributed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench import cast
from bench.pgbench import SCRIPTS, _program, read
from bench.plan import QUICK
from bench.programs import ROOT
from orgbilling.lib.ids import uuid7
from tests.citus.nodes import Cluster

ONE, MANY = "bench_citus_one", "bench_citus_many"
CLIENTS, SECONDS, ROUNDS = 16, 10, 3
#: Both servers have their caches full before the first round.
WARM_SECONDS = 20
ITEMS = 1_000
WRITERS = 4


def main() -> None:
    """Make both databases, measure in turns, move shards under load, and print what came of it."""
    url = os.environ.get("CITUS_DATABASE_URL", "")
    if not url:
        sys.exit("Set CITUS_DATABASE_URL; docs/citus.md says how to make a cluster.")
    cluster = Cluster(url)
    try:
        for name in (ONE, MANY):
            _make(url, cluster, name)
            _single(url, name, WARM_SECONDS)
        measured: dict[str, list[float]] = {}
        for _round in range(ROUNDS):
            for name in (ONE, MANY):
                measured.setdefault(f"single {name}", []).append(_single(url, name))
                measured.setdefault(f"batch {name}", []).append(_batches(url, name))
        for case in ("single", "batch"):
            one, many = measured[f"{case} {ONE}"], measured[f"{case} {MANY}"]
            ratios = [b / a for a, b in zip(one, many, strict=True)]
            sys.stdout.write(
                f"citus_{'deduct' if case == 'single' else 'batch'}: {statistics.median(ratios):.2f} of one PostgreSQL "
                f"({min(ratios):.2f}-{max(ratios):.2f}); {statistics.median(many):,.0f} against "
                f"{statistics.median(one):,.0f} a second\n"
            )
        sys.stdout.write(_move_under_load(url) + "\n")
    finally:
        for name in (ONE, MANY):
            cluster.drop(name)


def _make(url: str, cluster: Cluster, name: str) -> None:
    cluster.drop(name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    if name == MANY:
        cluster.adopt(name)
    _manage(url, name, "migrate", "-v0")
    with psycopg.connect(url, dbname=name) as connection:
        cast.enter(connection, QUICK)
    if name == MANY:
        _manage(url, name, "distribute")


def _manage(url: str, name: str, *arguments: str) -> None:
    parts = conninfo_to_dict(url)
    address = f"postgresql://{parts['user']}@{parts['host']}:{parts['port']}/{name}"
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": address, "PGPASSWORD": str(parts.get("password", ""))},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _single(url: str, name: str, seconds: int = SECONDS) -> float:
    """Calls a second of one charge each, by pgbench: the id is the client's, as the service's is."""
    text = (SCRIPTS / "own_with_key.sql").read_text(encoding="utf-8")
    made = "('0199' || lpad(to_hex(:key::bigint), 16, '0') || lpad(to_hex(:person::bigint), 12, '0'))::uuid"
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        file.write(text.replace("{new_id}", made))
        file.flush()
        command = [_program(), "-n", "-M", "prepared", "-f", file.name, "-T", str(seconds)]
        command += ["-c", str(CLIENTS), "-j", "2"]
        command += [f"--define=orgs={QUICK.organizations}", f"--define=users={QUICK.users}"]
        command += ["-d", make_conninfo(url, dbname=name)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return read(done.stdout).per_second


def _batches(url: str, name: str) -> float:
    """Items a second, a thousand a call."""
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(WRITERS) as pool:
        calls = list(pool.map(lambda seed: _charge_until(url, name, seed, until), range(WRITERS)))
    return sum(calls) * ITEMS / SECONDS


def _charge_until(url: str, name: str, seed: int, until: float) -> int:
    done = 0
    with psycopg.connect(url, dbname=name, autocommit=True) as connection:
        while time.monotonic() < until:
            _batch(connection, (seed * 7919 + done) % QUICK.organizations, ITEMS)
            done += 1
    return done


def _batch(connection: psycopg.Connection[Any], org: int, items: int) -> None:
    body = [
        {
            "usage_id": str(uuid7()),
            "user_id": str(cast.user_id(org, place % QUICK.users)),
            "credits": 1,
            "service_name": "contact_lookup",
            "service_type": "api",
            "request_id": "bench",
            "metadata": {},
        }
        for place in range(items)
    ]
    outcome = connection.execute(
        "SELECT o_outcome FROM public.deduct_batch(%s, %s, %s)",
        [cast.org_id(org), json.dumps(body), cast.ACTOR],
    ).fetchone()
    if outcome != ("charged",):
        message = f"a batch was {outcome}"
        raise RuntimeError(message)


def _move_under_load(url: str) -> str:
    """Move a shard there and back while it is charged; every charge has to be made."""
    org, charged, failed, longest = 7, [0], [0], [0.0]
    over = threading.Event()

    def charge() -> None:
        with psycopg.connect(url, dbname=MANY, autocommit=True) as connection:
            while not over.is_set():
                began = time.monotonic()
                try:
                    _batch(connection, org, 1)
                    charged[0] += 1
                except (psycopg.Error, RuntimeError) as exc:
                    failed[0] += 1
                    sys.stderr.write(f"{exc}\n")
                longest[0] = max(longest[0], time.monotonic() - began)

    with psycopg.connect(url, dbname=MANY, autocommit=True) as mover:
        count = "SELECT count(*) FROM credit_usage_attribution WHERE org_id = %s"
        before = mover.execute(count, [cast.org_id(org)]).fetchone()
        threads = [threading.Thread(target=charge) for _ in range(WRITERS)]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        try:
            moves = 0
            for _ in range(2):
                mover.execute(
                    "SELECT citus_move_shard_placement(s.shardid, n.nodename, n.nodeport, o.nodename, o.nodeport,"
                    " 'force_logical') FROM pg_dist_placement p JOIN pg_dist_node n USING (groupid)"
                    " JOIN pg_dist_node o ON o.groupid NOT IN (0, p.groupid), LATERAL (SELECT"
                    " get_shard_id_for_distribution_column('organization_credit_pools', %s::uuid) AS shardid) s"
                    " WHERE p.shardid = s.shardid LIMIT 1",
                    [str(cast.org_id(org))],
                )
                moves += 1
        finally:
            took = time.monotonic() - began
            over.set()
            for thread in threads:
                thread.join()
        after = mover.execute(count, [cast.org_id(org)]).fetchone()
    rows = (after[0] if after else 0) - (before[0] if before else 0)
    return (
        f"shard moved {moves} times in {took:.1f} s under load: {charged[0]} charged, {failed[0]} failed, "
        f"{rows - charged[0]} rows too many or too few, longest wait {longest[0]:.2f} s"
    )


if __name__ == "__main__":
    main()
