"""The faults, each under load, and what is counted while they happen."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from orgbilling.embedded.server import NAME
from tests.faults import commit_cuts, http_cuts, outages, redis_outage
from tests.faults.calls import Cast
from tests.faults.clients import Load, Tally, calling
from tests.faults.commit_cuts import CommitCuts
from tests.faults.evidence import balances, compare
from tests.faults.full_disk import filled, small_disk
from tests.faults.http_cuts import HttpCuts
from tests.faults.operations import EXPIRES_AFTER_SECONDS
from tests.faults.proxy import Freezing, in_folder, on_loopback
from tests.faults.report import Report
from tests.faults.second_web import SecondWeb
from tests.faults.stage import ROOT, Killed, Stage, free_port, staged
from tests.pooled.pooler import pooling, settle
from tests.programs import SEARCHED

CLIENTS = 50
PAUSE_SECONDS = (1.5, 2.5)
RECOVERY_PATIENCE_SECONDS = 60
#: Connections of the pooler's to PostgreSQL: fewer than a web server would open.
POOLED = 10

Kill = Callable[[], Killed]
Act = Callable[[Tally, Report], None]


@dataclass(frozen=True)
class Size:
    """How much is done: kills of a kind, scripts through a proxy, and how long outages last."""

    kills: int
    scripts: int
    outage_seconds: float
    locked_seconds: float
    stops: int


FULL = Size(kills=20, scripts=2_000, outage_seconds=30, locked_seconds=8, stops=10)
QUICK = Size(kills=2, scripts=100, outage_seconds=3, locked_seconds=3, stops=2)


class Scenarios:
    """All faults on one stage, one after the other."""

    def __init__(self, stage: Stage, token: str, cast: Cast, seed: int, size: Size) -> None:
        self._stage, self._token, self._cast = stage, token, cast
        self._seed, self._size, self._number = f"faults{seed}", size, seed

    def chosen(self, names: list[str] | None) -> list[Callable[[], Report]]:
        """Those of these names, or all, in the order in which they are played."""
        if names:
            return [getattr(self, name) for name in names]
        killed = [self.postgresql, self.web, self.requests, self.commits]
        outages = [self.stopped, self.frozen, self.exhausted, self.sigterm]
        # They take programs of others, and the right to mount a disk.
        taxing = [self.redis, self.pooler, self.disk_full] if self._size is FULL else []
        return [*killed, *outages, *taxing]

    def postgresql(self) -> Report:
        """The postmaster and all its backends are killed."""
        return self._killing("postgresql", [self._stage.kill_postgresql])

    def web(self) -> Report:
        """A worker of the web server is killed, or all of them, or their master."""
        stage = self._stage
        return self._killing(
            "web", [stage.kill_workers, stage.kill_master, stage.kill_worker, stage.kill_worker]
        )

    def requests(self) -> Report:
        """Connections between clients and web server are cut."""
        proxy = HttpCuts(self._rng("requests-cuts"), http_cuts.CHANCES)
        proxy.port = self._stage.port
        with on_loopback(proxy) as port:
            report = self._play(self._load("requests", port, self._size.scripts))
        report.faults = dict(proxy.cuts)
        return report

    def commits(self) -> Report:
        """Connections between a web server and PostgreSQL are cut at commits."""
        proxy = CommitCuts(self._rng("commits-cuts"), commit_cuts.CHANCES)
        proxy.server = self._stage.server.sockets / ".s.PGSQL.5432"
        port = free_port()
        with in_folder(proxy) as folder, self._second_web(port, folder):
            # Its start has been through the proxy too.
            proxy.cuts.clear()
            proxy.left_open = 0
            report = self._play(self._load("commits", port, self._size.scripts))
        report.faults = dict(proxy.cuts)
        untold = proxy.left_open - report.answers.get("outcome_unknown", 0)
        if untold:
            report.unexpected["requests cut and answers outcome_unknown differ by"] = untold
        report.remarks.append(f"{proxy.cuts.total()} cuts, {proxy.left_open} requests in them")
        return report

    def stopped(self) -> Report:
        """PostgreSQL is stopped (SIGSTOP) and goes on."""
        stage = self._stage
        return self._enduring("stopped", stage.port, lambda: outages.stopped(stage))

    def frozen(self) -> Report:
        """The network between a web server and PostgreSQL swallows everything, and goes on."""
        proxy = Freezing()
        proxy.server = self._stage.server.sockets / ".s.PGSQL.5432"
        port = free_port()
        with in_folder(proxy) as folder, self._second_web(port, folder):
            return self._enduring("frozen", port, lambda: outages.frozen(proxy))

    def exhausted(self) -> Report:
        """A transaction holds what every charge needs, and so all connections wait for it."""
        stage, seconds = self._stage, self._size.locked_seconds
        return self._enduring("exhausted", stage.port, lambda: outages.exhausted(stage), seconds)

    def sigterm(self) -> Report:
        """A web server is asked to end (SIGTERM), does, and is started again."""
        port = free_port()
        with self._second_web(port, self._stage.server.sockets) as web:

            def act(tally: Tally, report: Report) -> None:
                for _ in range(self._size.stops):
                    tally.first_success_after(time.monotonic(), RECOVERY_PATIENCE_SECONDS)
                    asked_at = time.monotonic()
                    status = web.end()
                    report.remarks.append(
                        f"ended with {status} in {time.monotonic() - asked_at:.2f} s"
                    )
                    if status != 0:
                        report.unexpected[f"ended with {status}"] = 1
                    web.begin()
                    report.faults["web server"] = report.faults.get("web server", 0) + 1
                tally.first_success_after(time.monotonic(), RECOVERY_PATIENCE_SECONDS)

            report = self._play(self._load("sigterm", port), act)
        # A connection that is refused, or closed before the request was sent, is no lost answer.
        if report.missed:
            report.unexpected["done, and not answered"] = report.missed
        return report

    def redis(self) -> Report:
        """The Redis that counts requests is killed, and comes back empty."""
        port, sockets = free_port(), self._stage.server.sockets
        with (
            redis_outage.running(self._stage.home) as server,
            self._second_web(port, sockets, {"REDIS_URL": server.url}),
        ):
            return self._enduring("redis", port, lambda: redis_outage.gone(server))

    def pooler(self) -> Report:
        """The PgBouncer between a web server and PostgreSQL is killed, and started again."""
        stage, port = self._stage, free_port()
        program = shutil.which("pgbouncer", path=SEARCHED)
        if program is None:
            raise RuntimeError("pgbouncer is missing. Debian: apt-get install pgbouncer")
        settle(stage.server)
        places = (stage.home / "pooler", stage.server.sockets, NAME)
        with pooling(program, *places, connections=POOLED) as pooler:
            settings = {"DATABASE_URL": pooler.url(NAME), "DB_POOLER": "true"}
            with self._second_web(port, stage.server.sockets, settings):

                def kill() -> Killed:
                    pooler.kill()
                    pooler.start()
                    return Killed("PgBouncer", [])

                return self._killing("pooler", [kill], port)

    def disk_full(self) -> Report:
        """The disk with PostgreSQL's data is filled, and emptied again."""
        with staged(small_disk) as stage:
            token, cast = stage.fill()
            there = Scenarios(stage, token, cast, self._number, self._size)
            return there._enduring("disk_full", stage.port, lambda: filled(stage))

    def _enduring(
        self,
        name: str,
        port: int,
        outage: Callable[[], Iterator[None]],
        seconds: float | None = None,
    ) -> Report:
        lasting = self._size.outage_seconds if seconds is None else seconds
        report = self._play(self._load(name, port), outages.endure(name, outage, lasting, port))
        outages.unanswered(report)
        outages.settle(self._stage, report)
        return report

    def _killing(self, name: str, kills: list[Kill], port: int | None = None) -> Report:
        rng = self._rng(f"{name}-kills")

        def act(tally: Tally, report: Report) -> None:
            tally.first_success_after(time.monotonic(), RECOVERY_PATIENCE_SECONDS)
            for number in range(self._size.kills):
                time.sleep(rng.uniform(*PAUSE_SECONDS))
                killed_at = time.monotonic()
                killed = kills[number % len(kills)]()
                killed.await_end()
                back_at = tally.first_success_after(time.monotonic(), RECOVERY_PATIENCE_SECONDS)
                took = None if back_at is None else back_at - killed_at
                report.recoveries.append((killed.name, took))
                report.faults[killed.name] = report.faults.get(killed.name, 0) + 1
                if took is None:
                    return

        return self._play(self._load(name, port or self._stage.port), act)

    def _play(self, load: Load, act: Act | None = None) -> Report:
        """Let the clients work while something happens to the service, then look at the ledger."""
        report, started = Report(load.name), time.monotonic()
        url = self._stage.server.url
        folder = self._stage.home / "acknowledged" / load.name
        before = balances(url)
        with calling(CLIENTS, load, folder) as tally:
            if act is not None:
                act(tally, report)
        report.seconds = time.monotonic() - started
        ended = self._stage.ended()
        report.answers, report.unexpected = dict(tally.answers), dict(tally.unexpected)
        report.longest, report.missed = dict(tally.longest), tally.missed
        if ended:
            report.unexpected["the service gave up"] = 1
        # The last hold that was left to expire has done so.
        time.sleep(EXPIRES_AFTER_SECONDS)
        report.findings = compare(url, folder, f"{load.seed}-{load.name}-", before)
        report.violations = self._violations()
        return report

    def _violations(self) -> list[str]:
        command = [sys.executable, "manage.py", "verify_ledger", "--json", "--verbosity", "0"]
        env = {**self._stage.env, "DATABASE_URL": self._stage.server.url}
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
        if not done.stdout:
            raise RuntimeError(done.stderr)
        found: list[dict[str, Any]] = json.loads(done.stdout)["violations"]
        return [
            "{check}: {org_id}, {table} {row_id}: {expected} expected, {found} found".format(**one)
            for one in found
        ]

    def _load(self, name: str, port: int, scripts: int | None = None) -> Load:
        return Load(name, port, self._token, self._cast, self._seed, scripts)

    def _rng(self, name: str) -> Random:
        return Random(f"{self._seed}-{name}")

    @contextmanager
    def _second_web(
        self, port: int, sockets: Path, settings: dict[str, str] | None = None
    ) -> Iterator[SecondWeb]:
        """Another web server on the same database, which it reaches by the proxy's socket."""
        web = SecondWeb(self._stage, port, sockets, settings)
        web.begin()
        try:
            yield web
        finally:
            web.close()
