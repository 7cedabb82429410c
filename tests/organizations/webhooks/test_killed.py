"""A worker is killed again and again while the receiver misbehaves: each event arrives, and is known by its id.

`make webhooks` is the long form: 1,000 events, 20 kills.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection
from standardwebhooks import Webhook

from organizations.event_types import SUBSCRIBABLE
from organizations.events import emit
from organizations.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from tests.ledger import fund
from tests.organizations.webhooks.conftest import DATA
from tests.webhook_receiver import Receiver

ROOT = Path(__file__).resolve().parent.parent.parent.parent
LONG = os.environ.get("WEBHOOKS") == "long"
EVENTS, KILLS = (1_000, 20) if LONG else (40, 2)
PATIENCE_SECONDS = 120

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Worker:
    """A process that delivers, started again each time it was killed."""

    port: int
    kills: int = 0
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        parts = urlsplit(os.environ["DATABASE_URL"])
        url = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
        env = os.environ | {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "orgbilling.settings",
            "LOG_LEVEL": "ERROR",
            "WEBHOOKS_ALLOW_HTTP": "true",
            "WEBHOOKS_ALLOWED_HOSTS": f"127.0.0.1/32:{self.port}",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.organizations.webhooks.worker"], cwd=ROOT, env=env
        )

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1


@contextmanager
def working(port: int) -> Iterator[Worker]:
    worker = Worker(port)
    worker.start()
    try:
        yield worker
    finally:
        worker.kill()


def until(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < ends, "It did not happen."
        time.sleep(0.01)


def moody(number: int) -> str:
    """What the receiver does with its nth request."""
    for every, act in ((29, "stall"), (19, "cut"), (11, "status/429/0"), (7, "status/500")):
        if number % every == 0:
            return act
    return {3: "redirect/302", 5: "big"}.get(number % 31, "")


@pytest.fixture
def told(alpha, receiver) -> tuple[Receiver, str, list[str]]:
    """A moody receiver, its secret, and the ids of what it is to be told."""
    receiver.moods = moody
    _, secret = WebhookEndpoint.objects.open(
        alpha, url=receiver.url("/hook"), events=SUBSCRIBABLE, by=None
    )
    return receiver, secret, [str(emit(alpha.pk, "member.added", DATA)) for _ in range(EVENTS)]


def test_each_event_arrives_under_one_id_whoever_is_killed(told):
    receiver, secret, ids = told
    with working(receiver.port) as worker:
        for number in range(1, KILLS + 1):
            until(lambda goal=number * EVENTS // (KILLS + 1): len(receiver.received) >= goal)
            worker.kill()
            worker.start()
        until(lambda: not WebhookDelivery.objects.exclude(status="delivered").exists())
        receiver.moods = lambda _: ""

    arrived = Counter(receiver.ids())
    assert set(arrived) == set(ids)
    bodies = defaultdict(set)
    verifier = Webhook(secret)
    for request in receiver.received:
        bodies[request.id].add(request.body)
        verifier.verify(request.body, request.headers)
    assert all(len(found) == 1 for found in bodies.values())
    again = sum(arrived.values()) - len(arrived)
    written = WebhookAttempt.objects.count()
    sys.stdout.write(
        f"{len(arrived)} events, {worker.kills - 1} kills: {sum(arrived.values())} requests,"
        f" {again} of them again; {written} attempts written\n"
    )


def test_no_transaction_waits_for_a_receiver(alpha, receiver):
    receiver.moods = lambda _: "stall"
    WebhookEndpoint.objects.open(alpha, url=receiver.url("/hook"), events=["*"], by=None)
    for _ in range(2):
        fund(alpha, 1)
    with working(receiver.port):
        for _ in range(5):
            seen = len(receiver.received)
            until(lambda goal=seen + 1: len(receiver.received) >= goal)
            # It has the request and says nothing.
            assert open_transactions() == 0
            fund(alpha, 1)
        receiver.released.set()


def open_transactions() -> int:
    """Others' transactions that wait for their client, or hold a lock on the ledger's tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND (state LIKE 'idle in transaction%'"
            " OR (state <> 'idle' AND now() - xact_start > interval '500 ms'))"
        )
        waiting: int = cursor.fetchone()[0]
    return waiting
