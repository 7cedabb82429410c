"""The shared counters as a Django cache, and what a restarted server does to them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import caches
from django.db import connections

from orgbilling.web import counters

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "counters"])


@pytest.fixture
def cache():
    store = caches["counters"]
    store.clear()
    return store


def rows(sql="SELECT count(*) FROM rate_counters"):
    with connections["counters"].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def expire():
    counters._known.clear()
    with connections["counters"].cursor() as cursor:
        cursor.execute("UPDATE rate_counters SET expires_at = now() - interval '1 second'")


def test_add_starts_once(cache):
    assert cache.add("a", 1, 60) is True
    assert cache.add("a", 5, 60) is False
    assert cache.get("a") == 1


def test_incr_and_decr(cache):
    cache.add("a", 1, 60)
    assert cache.incr("a") == 2
    assert cache.incr("a", 10) == 12
    assert cache.decr("a") == 11
    with pytest.raises(ValueError, match="no counter"):
        cache.incr("missing")


def test_any_text_is_a_key(cache):
    """Django warns of what memcached wouldn't take; a warning is an error here."""
    key = "a caller " * 40
    cache.add(key, 1, 60)
    assert cache.incr(key) == 2


def test_set_touch_delete(cache):
    cache.set("a", 7, 60)
    assert cache.get("a") == 7
    assert cache.touch("a", 120) is True
    assert cache.delete("a") is True
    assert cache.delete("a") is False
    assert cache.touch("a") is False
    assert cache.get("a", "none") == "none"


def test_expired_is_gone(cache):
    cache.add("a", 5, 60)
    expire()
    assert cache.get("a") is None
    with pytest.raises(ValueError, match="no counter"):
        cache.incr("a")
    assert cache.add("a", 1, 60) is True
    assert cache.incr("a") == 2


def test_an_expired_row_that_is_remembered_starts_anew(cache):
    cache.add("a", 5, 60)
    known = dict(counters._known)
    expire()
    counters._known.update(known)
    assert cache.incr("a") == 1


def test_a_crashed_server_loses_the_counts_but_not_the_counting(cache):
    """An UNLOGGED table comes back empty; the memory of this process doesn't know."""
    cache.add("a", 5, 60)
    with connections["counters"].cursor() as cursor:
        cursor.execute("TRUNCATE rate_counters")
    assert cache.incr("a") == 1
    assert cache.incr("a") == 2


def test_memory_is_bounded(cache, monkeypatch):
    monkeypatch.setattr(counters, "KNOWN_KEYS_MAX", 3)
    for number in range(10):
        cache.add(str(number), 1, 60)
    assert len(counters._known) <= 3
    assert [cache.incr(str(number)) for number in range(3)] == [2, 2, 2]


def test_purge_removes_only_what_expired(cache):
    cache.add("old", 1, 60)
    expire()
    cache.add("new", 1, 60)
    cache.purge()
    assert rows() == 1
    assert cache.get("new") == 1


def test_making_keys_purges_now_and_then(cache, monkeypatch):
    monkeypatch.setattr(counters, "PURGE_EVERY", 1)
    cache.add("old", 1, 60)
    expire()
    cache.add("new", 1, 60)
    assert rows() == 1


def test_the_table_is_unlogged(cache):
    assert rows("SELECT relpersistence FROM pg_class WHERE relname = 'rate_counters'") == "u"


def test_exact_under_threads(cache):
    gate = threading.Barrier(6)

    def count(_):
        gate.wait()
        try:
            own = caches["counters"]
            return [1 if own.add("a", 1, 60) else own.incr("a") for _ in range(50)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        seen = sorted(number for some in pool.map(count, range(6)) for number in some)
    assert seen == list(range(1, 301))


def test_exact_when_each_process_must_find_the_key_first(cache, monkeypatch):
    """Without the memory every count begins with an add, as in a process that has just started."""
    monkeypatch.setattr(counters, "KNOWN_KEYS_MAX", 0)
    gate = threading.Barrier(4)

    def count(_):
        gate.wait()
        try:
            own = caches["counters"]
            return [1 if own.add("a", 1, 60) else own.incr("a") for _ in range(25)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        seen = sorted(number for some in pool.map(count, range(4)) for number in some)
    assert seen == list(range(1, 101))
