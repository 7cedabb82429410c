"""With a real streaming replica: reports are read there, decisions never, and its loss is nobody's loss."""

import json
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from tests.replica.pair import running
from tests.roles.stage import ROOT

BASE = "/api/v1/org-billing"
PATIENCE_SECONDS = 60


class Service:
    """The serving process, and what it is asked."""

    def __init__(self, pair):
        self.log = pair.home / "serving.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.replica.serving"],
                cwd=ROOT,
                env=pair.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        cast = self.read()
        self.org, self.user = cast["org"], cast["user"]

    def read(self):
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return json.loads(line)

    def order(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return self.read()

    def ask(self, path, method="GET", body=None, who="program", **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.order(path=path, method=method, body=body, who=who, headers=sent)

    def summary(self, **headers):
        answer = self.ask(f"{BASE}/credits/{self.org}/usage/summary?group_by=service", **headers)
        assert answer["status"] == 200, answer
        return answer

    def charge(self, credits):
        body = {
            "org_id": self.org,
            "user_id": self.user,
            "service_name": "company_enrichment",
            "credits": credits,
        }
        answer = self.ask(f"{BASE}/credits/deduct", "POST", body)
        assert answer["status"] == 201, answer
        assert not answer["asked"]["replica"]
        return json.loads(answer["text"])["remaining_credits"]

    def await_standing(self, *wanted):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.order(standing=True))["standing"] not in wanted:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()


def used(answer):
    return json.loads(answer["text"])["credits_used"]


@pytest.fixture(scope="module")
def pair():
    with running() as pair:
        yield pair


@pytest.fixture(scope="module")
def started(pair):
    service = Service(pair)
    yield service
    service.end()


@pytest.fixture
def service(started):
    """The service, once the replica follows."""
    started.await_standing("following")
    deadline = time.monotonic() + PATIENCE_SECONDS
    # What a former test wrote has arrived, and what went wrong there is forgiven.
    while started.summary()["as_of"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return started


REPORTS = (
    ("program", BASE + "/credits/{org}/usage"),
    ("program", BASE + "/credits/{org}/usage/summary?group_by=day"),
    ("program", BASE + "/credits/{org}/usage/export"),
    ("program", BASE + "/billing/org/{org}/history"),
    ("program", BASE + "/billing/org/{org}"),
    ("program", BASE + "/billing/system"),
    ("person", BASE + "/billing/user"),
    ("person", "/admin/org/{org}/"),
    ("person", "/admin/org/{org}/audit/"),
    ("person", "/admin/system/"),
)


@pytest.mark.parametrize(("who", "path"), REPORTS)
def test_reports_are_read_of_the_replica(service, who, path):
    answer = service.ask(path.format(org=service.org), who=who)
    assert answer["status"] == 200, answer["text"]
    assert answer["asked"]["replica"]
    assert answer["as_of"] is not None or "export" in path
    if path.startswith("/admin"):
        assert "read from a replica" in answer["text"]
    # Who asks, and what they may, is never asked there.
    told = " ".join(answer["asked"]["replica"])
    assert "django_session" not in told
    assert "api_keys" not in told


def test_a_charge_is_seen_in_reports_as_soon_as_it_has_arrived(service):
    service.charge(10)
    now = used(service.summary(Cache_Control="no-cache"))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while used(answer := service.summary()) != now or answer["as_of"] is None:
        assert time.monotonic() < deadline
    assert answer["asked"]["replica"]


def test_who_asks_for_the_newest_gets_it_of_the_primary(service):
    answer = service.summary(Cache_Control="no-cache")
    assert answer["as_of"] is None
    assert not answer["asked"]["replica"]


def test_decisions_are_made_by_the_primary_however_far_behind_the_replica_is(pair, service):
    pair.tell_replica("SELECT pg_wal_replay_pause()")
    try:
        left = service.charge(25)
        assert service.charge(25) == left - 25
        asked = {"org_id": service.org, "user_id": service.user, "credits": 1}
        answer = service.ask(f"{BASE}/credits/check", "POST", asked)
        assert not answer["asked"]["replica"]
        assert json.loads(answer["text"])["remaining_credits"] == left - 25, answer
        # Too far behind, it is read no more, and nothing is missing.
        service.await_standing("lagging")
        answer = service.summary()
        assert answer["as_of"] is None
        assert used(answer) == used(service.summary(Cache_Control="no-cache"))
    finally:
        pair.tell_replica("SELECT pg_wal_replay_resume()")
    service.await_standing("following")


def test_whoever_has_changed_something_reads_the_primary_for_a_while(service):
    path = f"/admin/org/{service.org}/"
    assert service.ask(path, who="person")["asked"]["replica"]
    assert service.ask(f"{path}unknown/", "POST", {}, who="person")["status"] == 404
    after = service.ask(path, who="person")
    assert after["as_of"] is None
    assert not after["asked"]["replica"]
    # By a cookie of theirs: others go on reading the replica.
    assert service.summary()["as_of"] is not None


def test_a_replica_that_is_gone_or_silent_is_missed_by_nobody(pair, service):
    pair.stop_replica()
    # At once, before anybody has noticed.
    assert service.summary()["as_of"] is None
    service.await_standing("unreachable")
    assert service.summary()["status"] == 200
    pair.replica.revive()
    service.await_standing("following")
    pair.signal_replica(signal.SIGSTOP)
    try:
        assert service.summary()["as_of"] is None
        service.charge(1)
        assert service.ask(f"/admin/org/{service.org}/", who="person")["status"] == 200
    finally:
        pair.signal_replica(signal.SIGCONT)
    service.await_standing("following")


def test_what_was_promoted_is_a_replica_no_more(pair, service):
    """The last of the file: the pair has parted for good."""
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        pair.tell_replica("DELETE FROM plans")
    pair.tell_replica("SELECT pg_promote()")
    service.await_standing("foreign")
    before = used(service.summary())
    service.charge(5)
    answer = service.summary()
    assert answer["as_of"] is None
    assert used(answer) == before + 5
    # And whoever reads there by mistake still can't write.
    with (
        psycopg.connect(
            pair.replica.url, options="-c default_transaction_read_only=on"
        ) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("DELETE FROM plans")
