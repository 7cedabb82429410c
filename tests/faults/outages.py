"""Faults that nobody is told of: the server is stopped, the network swallows everything, all connections are held."""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import psycopg

from orgbilling.supervisor.instance import HOST
from tests.faults.clients import Tally
from tests.faults.proxy import Freezing
from tests.faults.report import Report
from tests.faults.stage import Stage

PATIENCE_SECONDS = 60
# Until what callers have given up is given up by the server too.
SETTLED_WITHIN_SECONDS = 20
POLL_SECONDS = 0.2

#: Takes away what the service needs, and gives it back at the end of the block.
Outage = Callable[[], "contextmanager[None]"]


class Monitor(threading.Thread):
    """What asks for health and readiness all the time, as an orchestrator does."""

    def __init__(self, port: int) -> None:
        super().__init__(name="monitor", daemon=True)
        self._port = port
        self._enough = threading.Event()
        #: Of each address the seconds that the longest answer took.
        self.longest: dict[str, float] = {}
        #: The states that were answered, in order, each once.
        self.seen: dict[str, list[int]] = {"/health": [], "/ready": []}

    def run(self) -> None:
        """Ask until it is enough."""
        while not self._enough.wait(POLL_SECONDS):
            for path, seen in self.seen.items():
                began = time.monotonic()
                status = self._ask(path)
                took = time.monotonic() - began
                self.longest[path] = max(took, self.longest.get(path, 0.0))
                if not seen or seen[-1] != status:
                    seen.append(status)

    def end(self) -> None:
        """Stop asking."""
        self._enough.set()
        self.join()

    def _ask(self, path: str) -> int:
        """The status, 0 when there is no answer."""
        with closing(http.client.HTTPConnection(HOST, self._port, timeout=20)) as connection:
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                json.loads(answer.read())
            except (OSError, ValueError, http.client.HTTPException):
                return 0
            return answer.status


def endure(
    name: str, outage: Callable[[], Iterator[None]], seconds: float, port: int
) -> Callable[[Tally, Report], None]:
    """An act: the outage lasts so long, and the first success after it is waited for."""

    def act(tally: Tally, report: Report) -> None:
        tally.first_success_after(time.monotonic(), PATIENCE_SECONDS)
        monitor = Monitor(port)
        monitor.start()
        try:
            with contextmanager(outage)():
                time.sleep(seconds)
            ended_at = time.monotonic()
            back_at = tally.first_success_after(ended_at, PATIENCE_SECONDS)
            while 200 not in monitor.seen["/ready"][-1:]:
                if time.monotonic() > ended_at + PATIENCE_SECONDS:
                    report.unexpected["never ready again"] = 1
                    break
                time.sleep(POLL_SECONDS)
        finally:
            monitor.end()
        report.faults[name] = report.faults.get(name, 0) + 1
        report.recoveries.append((name, None if back_at is None else back_at - ended_at))
        _judge(monitor, report)

    return act


def _judge(monitor: Monitor, report: Report) -> None:
    for path, seen in monitor.seen.items():
        report.remarks.append(
            f"{path}: {', '.join(map(str, seen))}; {monitor.longest.get(path, 0):.2f} s at most"
        )
    if set(monitor.seen["/health"]) != {200}:
        report.unexpected["/health was not 200 all the time"] = 1
    if 0 in monitor.seen["/ready"]:
        report.unexpected["/ready was not answered"] = 1


def unanswered(report: Report) -> None:
    """The web server lived through it: no request may be without an answer."""
    silent = {
        why: number
        for why, number in report.answers.items()
        if not why.isdigit() and why[:1].isupper()
    }
    for why, number in silent.items():
        report.unexpected[f"no answer: {why}"] = number


def stopped(stage: Stage) -> Iterator[None]:
    """PostgreSQL's processes are stopped; they keep all that they hold."""
    pids = stage.postgresql()
    # The postmaster first, so that none is born meanwhile.
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def frozen(proxy: Freezing) -> Iterator[None]:
    """The network keeps every byte to itself, and passes it on afterwards."""
    proxy.freeze()
    try:
        yield
    finally:
        proxy.thaw()


def exhausted(stage: Stage) -> Iterator[None]:
    """Whoever touches an allocation waits for one transaction, with the connection that it has."""
    with psycopg.connect(stage.server.url) as holder:
        holder.execute("LOCK TABLE user_credit_allocations IN ACCESS EXCLUSIVE MODE")
        yield
        holder.rollback()


def settle(stage: Stage, report: Report) -> None:
    """Wait until the server has nothing left that somebody gave up, and say what it has for good."""
    query = (
        "SELECT count(*) FILTER (WHERE state LIKE 'idle in transaction%%'),"
        " count(*) FILTER (WHERE state = 'active'), count(*)"
        " FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
    with psycopg.connect(stage.server.url, autocommit=True) as connection:
        while True:
            idle, active, all_of_them = connection.execute(query).fetchone()
            if not idle and not active:
                break
            if time.monotonic() > deadline:
                report.unexpected["connections left in a transaction"] = idle
                report.unexpected["connections left at work"] = active
                return
            time.sleep(POLL_SECONDS)
    report.remarks.append(f"left: 0 at work, 0 idle in transaction, {all_of_them} connections")
