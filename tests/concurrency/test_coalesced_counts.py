"""Requests counted in one statement: each has a rank of its own, and nobody waits for who holds what they need."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection, connections, transaction

from orgbilling.web import coalesced_counts
from orgbilling.web.coalesced_counts import Counted, Counts, Wanted
from tests.concurrency.gathering import Gathering
from tests.concurrency.threads import PATIENCE_SECONDS, await_lock, together

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "counters"])

EPOCH = "epoch of these tests"


@pytest.fixture
def counts(monkeypatch):
    """Those of one process, none counted yet; nobody leaves the queue out of impatience."""
    monkeypatch.setattr(coalesced_counts, "PATIENCE_SECONDS", PATIENCE_SECONDS)
    caches["counters"].clear()
    connections["counters"].close()
    yield Counts("counters", EPOCH)
    caches["counters"].clear()
    connections["counters"].close()


@pytest.fixture
def gathering(counts, monkeypatch):
    """They go in statements that begin when the test says so."""
    made = Gathering(counts._coalescer)
    send = made.coalescer._together

    def noted(many):
        made.sent.append(len(many))
        return send(many)

    monkeypatch.setattr(made.coalescer, "_together", noted)
    yield made
    assert not made.coalescer._queue
    assert not made.coalescer._calls
    assert not made.coalescer._beside


def one(counts, name="a", delta=1):
    return partial(counts.count, Wanted(name, delta, 60.0))


def totals(counted):
    return [each.total for each in counted]


def stored(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count FROM rate_counters WHERE key = %s", [name])
        found = cursor.fetchone()
    return found and found[0]


@contextmanager
def locked(name):
    """Somebody holds this counter's row."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM rate_counters WHERE key = %s FOR UPDATE", [name])
        assert cursor.fetchone()
        yield


def until(happened):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_caller_s_requests_have_ranks_of_their_own(counts, gathering):
    assert sorted(totals(gathering.together([one(counts)] * 9))) == list(range(1, 10))
    assert sorted(totals(gathering.together([one(counts)] * 9))) == list(range(10, 19))
    assert gathering.sent == [9, 9]
    assert stored("a") == 18


def test_several_callers_in_one_statement_are_counted_apart(counts, gathering):
    names = "cabbac"
    counted = gathering.together([one(counts, name, 10) for name in names])
    assert totals(counted) == [10, 10, 10, 20, 20, 20]
    assert gathering.sent == [6]
    assert [stored(name) for name in "abc"] == [20, 20, 20]


def test_a_counter_that_has_expired_starts_anew_for_all(counts, gathering):
    one(counts, "a", 100)()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE rate_counters SET expires_at = now() - interval '1 second'")
    assert sorted(totals(gathering.together([one(counts, name) for name in "aabb"]))) == [
        1,
        1,
        2,
        2,
    ]


def test_whoever_waited_in_the_queue_is_told_the_epoch_after_that(counts, gathering):
    """A key that is revoked while a request waits to be counted is refused: that is what the epoch tells."""
    pool = ThreadPoolExecutor(3)
    with gathering.stopped():
        futures = [pool.submit(gathering._run, one(counts)) for _ in range(3)]
        until(lambda: len(gathering.coalescer._queue) == 3)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO rate_counters VALUES (%s, 7, now() + interval '1 hour')", [EPOCH]
            )
    pool.shutdown()
    assert sorted(future.result() for future in futures) == [Counted(n, 7) for n in (1, 2, 3)]
    assert gathering.sent == [3]


def test_a_thread_that_holds_a_connection_waits_for_nobody(counts, gathering):
    """More threads than connections, and all of those held: the leader of the others gets one when a holder is done."""
    size = connections["counters"].settings_dict["OPTIONS"]["pool"]["max_size"]
    others = 3 * size
    all_hold, counting = threading.Barrier(size + 1), threading.Event()

    def hold():
        connections["counters"].ensure_connection()
        all_hold.wait(PATIENCE_SECONDS)
        assert counting.wait(PATIENCE_SECONDS)
        return counts.count(Wanted("a", 1, 60.0))

    with ThreadPoolExecutor(size + others) as pool:
        holders = [pool.submit(gathering._run, hold) for _ in range(size)]
        all_hold.wait(PATIENCE_SECONDS)
        rest = [pool.submit(gathering._run, one(counts)) for _ in range(others)]
        until(lambda: len(gathering.coalescer._queue) == others - 1)
        counting.set()
        counted = [each.result(PATIENCE_SECONDS) for each in (*holders, *rest)]
    assert sorted(totals(counted)) == list(range(1, size + others + 1))


def test_a_hundred_threads_that_come_back_hold_nothing_meanwhile(counts):
    def often():
        return [one(counts)().total for _ in range(5)], connections["counters"].connection

    ends = together([often] * 100)
    assert all(held is None for _, held in ends)
    assert sorted(total for some, _ in ends for total in some) == list(range(1, 501))


def test_rows_are_locked_in_the_order_of_their_keys(counts, gathering):
    """Two processes that count the same callers, asked in another order, would wait for each other."""
    for name in "abc":
        one(counts, name)()
    with locked("a"):
        futures = gathering.begun([one(counts, name) for name in "cba"])
        await_lock()
        with connection.cursor() as cursor:
            cursor.execute("SELECT key FROM rate_counters WHERE key <> 'a' FOR UPDATE NOWAIT")
            assert len(cursor.fetchall()) == 2
    assert totals(future.result(PATIENCE_SECONDS) for future in futures) == [2, 2, 2]


def test_a_connection_that_is_lost_fails_all_and_nobody_is_counted_again(counts, gathering):
    one(counts)()
    with locked("a"):
        futures = gathering.begun([one(counts)] * 4)
        pid = await_lock()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, %s)", [pid, 1000 * PATIENCE_SECONDS])
    ends = [future.result(PATIENCE_SECONDS) for future in futures]
    assert [type(end) for end in ends] == [OperationalError] * 4
    assert stored("a") == 1
    assert sorted(totals(gathering.together([one(counts)] * 2))) == [2, 3]


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
def test_after_a_lock_that_was_not_to_be_had_each_is_counted_alone(
    counts, gathering, monkeypatch, state
):
    cursors = coalesced_counts.preparing_cursor
    refusals = [f"DO $$ BEGIN RAISE 'as if' USING ERRCODE = '{state}'; END $$"]

    def refusing(alias):
        cursor = cursors(alias)
        if refusals:
            cursor.execute(refusals.pop())
        return cursor

    monkeypatch.setattr(coalesced_counts, "preparing_cursor", refusing)
    counted = gathering.together([one(counts, name) for name in "aab"])
    assert Counter(totals(counted)) == {1: 2, 2: 1}
    assert gathering.sent == [3]
    assert not refusals


def test_a_thread_that_dies_while_it_counts_leaves_the_others_an_error(
    counts, gathering, monkeypatch
):
    def die(*_args):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(coalesced_counts, "preparing_cursor", die)
        ends = gathering.together([one(counts)] * 3)
    assert [type(end) for end in ends] == [SystemExit, OperationalError, OperationalError]
    assert totals(gathering.together([one(counts)] * 2)) == [1, 2]
