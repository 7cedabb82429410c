"""The metrics of the service as it runs: two processes, one of which is killed."""

import http.client
import os
import signal
import socket
import time
from contextlib import closing, contextmanager
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from orgbilling.supervisor.instance import HOST, address
from orgbilling.supervisor.programs import WEB_WORKERS, Child, programs
from tests.metrics.conftest import parsed
from tests.metrics.promtool import checked
from tests.service import ROOT, STARTED_WITHIN_SECONDS, await_answers

TOKEN = "a token that nobody guesses"
POOL = "orgbilling_db_pool_max_connections", (("pool", "default"),)


@contextmanager
def served(folder):
    """The web server over the tests' own database; yields its port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    url = urlsplit(os.environ["DATABASE_URL"])
    env = {
        **os.environ,
        "DATABASE_URL": urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}")),
        "DATA_DIR": str(folder),
        "METRICS_DIR": str(folder / "metrics"),
        "PUBLIC_URL": address(port),
        "METRICS_TOKEN": TOKEN,
    }
    child = Child(programs(port)[0], folder / "web.log", env, ROOT)
    try:
        await_answers(child, port)
        yield port
    finally:
        child.stop()


def get(port, path, **headers):
    with closing(http.client.HTTPConnection(HOST, port, timeout=30)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def scrape(port):
    status, text = get(port, "/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200, text
    return text


def healthy(port):
    route = ("method", "GET"), ("route", "health"), ("status", "200")
    return parsed(scrape(port)).get(("orgbilling_requests_total", route), 0)


def living(folder):
    return {path.name for path in (folder / "metrics").glob("*.alive")}


@pytest.mark.django_db(transaction=True)
def test_two_workers_one_of_them_killed(tmp_path):
    with served(tmp_path) as port:
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        while len(living(tmp_path)) < WEB_WORKERS:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for _ in range(20):
            assert get(port, "/health")[0] == 200
        # Whichever of the two answers: the same total.
        assert {healthy(port) for _ in range(10)} == {20}
        assert get(port, "/metrics")[0] == 401
        while (samples := parsed(scrape(port)))[POOL] < WEB_WORKERS * settings.DB_POOL_SIZE:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert samples[POOL] == WEB_WORKERS * settings.DB_POOL_SIZE
        killed = min(living(tmp_path))
        pid = int(killed.removesuffix(".alive").rpartition("-")[2])
        os.kill(pid, signal.SIGKILL)
        while len(living(tmp_path) - {killed}) < WEB_WORKERS:
            assert time.monotonic() < deadline, living(tmp_path)
            time.sleep(0.05)
        assert healthy(port) == 20
        assert get(port, "/health")[0] == 200
        assert {healthy(port) for _ in range(6)} == {21}
        assert killed not in living(tmp_path)
        # The dead one's pool is gone at once, the new one's comes with its first sign.
        while parsed(scrape(port))[POOL] != WEB_WORKERS * settings.DB_POOL_SIZE:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        checked("check", "metrics", stdin=scrape(port))
