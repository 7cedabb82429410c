"""A real Redis that is killed, or kept from answering: nothing hangs, and all is well when it is back."""

import logging
import os
import signal
import time
from types import SimpleNamespace

import pytest
from django_redis import get_redis_connection

from orgbilling.settings import _counters
from orgbilling.web import counting
from tests.api_client import problem
from tests.redis_server import running_redis

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis(settings, tmp_path, _own_views, monkeypatch):
    settings.RATE_LIMIT_READS = "5/h"
    monkeypatch.setattr(counting, "_store", counting.Store())
    # The next request tries again at once, and its success is the end of the outage.
    monkeypatch.setattr(counting, "CALM_SECONDS", 0.0)
    with running_redis(tmp_path) as server:
        settings.CACHES = {**settings.CACHES, "counters": _counters(server.url)}
        yield server


def lines(caplog):
    return [record for record in caplog.records if record.name == counting.__name__]


def test_counted_in_redis(http, redis):
    assert [http.get("/api/public").status_code for _ in range(6)] == [200] * 5 + [429]


def test_killed_and_closed(http, redis, caplog):
    assert http.get("/api/public").status_code == 200
    redis.child.stop()
    for _ in range(3):
        answer = http.get("/api/public")
        document = problem(answer, 503, "database_unavailable")
        assert "can't be counted" in document["detail"]
        assert answer["Retry-After"] == "1"
        assert "RateLimit" not in answer.headers
    redis.start()
    assert http.get("/api/public")["RateLimit"].startswith('"read";r=4;')
    begun, ended = lines(caplog)
    assert (begun.getMessage(), begun.event_fields["fail"]) == ("counters.unreachable", "closed")
    assert ended.getMessage() == "counters.back"


def test_killed_and_open(http, redis, caplog, settings):
    settings.RATE_LIMIT_FAIL = "open"
    redis.child.stop()
    for _ in range(8):
        answer = http.get("/api/public")
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers
    redis.start()
    assert http.get("/api/public")["RateLimit"].startswith('"read";r=4;')
    begun, ended = lines(caplog)
    assert (begun.getMessage(), begun.event_fields["fail"]) == ("counters.unreachable", "open")
    assert ended.getMessage() == "counters.back"


def test_a_silent_one_costs_one_request_its_patience(http, redis, monkeypatch, caplog):
    """The next ones are answered without asking it, until one tries again."""
    monkeypatch.setattr(counting, "PAUSE_SECONDS", 3600.0)
    assert http.get("/api/public").status_code == 200
    asked = []
    usage = counting.usage
    monkeypatch.setattr(
        counting, "usage", lambda *args, **options: asked.append(1) or usage(*args, **options)
    )
    os.kill(redis.child.pid, signal.SIGSTOP)
    try:
        statuses = [http.get("/api/public").status_code for _ in range(5)]
    finally:
        os.kill(redis.child.pid, signal.SIGCONT)
    assert statuses == [503] * 5
    assert len(asked) == 1
    assert len(lines(caplog)) == 1
    # An hour later.
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 3601)
    monkeypatch.setattr(counting, "time", later)
    assert http.get("/api/public").status_code == 200
    assert len(lines(caplog)) == 2
    assert caplog.records[-1].levelno == logging.WARNING


def test_full_memory_is_an_outage_and_no_crash(http, redis, settings):
    """Redis answers, but with an error: it can't count either."""
    get_redis_connection("counters").config_set("maxmemory", "1")
    problem(http.get("/api/public"), 503, "database_unavailable")
    settings.RATE_LIMIT_FAIL = "open"
    assert http.get("/api/public").status_code == 200


def test_ready_says_so_and_is_ready_all_the_same_if_limits_fail_open(http, redis, settings):
    settings.ROOT_URLCONF = "orgbilling.urls"
    redis.child.stop()
    answer = http.get("/ready")
    assert (answer.status_code, answer.json()["checks"]["counters"]["status"]) == (503, "failing")
    settings.RATE_LIMIT_FAIL = "open"
    answer = http.get("/ready")
    assert (answer.status_code, answer.json()["checks"]["counters"]["status"]) == (200, "failing")
