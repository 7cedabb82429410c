"""A server that falls silent: whoever waits is told, nobody new waits, and all goes on by itself."""

import threading
import time

import psycopg
import pytest

from orgbilling.database.connection import WatchedConnection
from orgbilling.database.errors import NotSent, ServerSilent
from orgbilling.database.watch import WATCH, State, Watch
from tests.outages.network import silent_network

PATIENCE_SECONDS = 60
# The proxy is a thread beside the test's, on a machine that may be busy.
SILENCE_SECONDS = 1.5


@pytest.fixture
def network():
    """A way to the session's server that can be frozen."""
    with silent_network() as made:
        yield made


@pytest.fixture
def watched(network):
    """The process's watch, which looks through that network."""
    WATCH.start(network.parameters, SILENCE_SECONDS)
    until(lambda: WATCH.state is State.ANSWERING)
    yield network
    network.proxy.thaw()
    WATCH.stop()


def until(condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def connected(network):
    return WatchedConnection.connect(**network.parameters(), autocommit=True)


def test_who_waits_is_told_and_who_comes_is_refused_until_it_answers_again(watched):
    with connected(watched) as waiting, connected(watched) as idle:
        found = []

        def wait():
            try:
                waiting.execute("SELECT pg_sleep(60)")
            except psycopg.OperationalError as error:
                found.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        watched.proxy.freeze()
        thread.join(PATIENCE_SECONDS)
        assert isinstance(found[0], ServerSilent)
        assert waiting.closed
        assert WATCH.state is State.SILENT
        with pytest.raises(NotSent):
            idle.execute("SELECT 1")
        watched.proxy.thaw()
        WATCH.await_answer()
        # Nothing was sent on it, so it is as good as it was.
        assert idle.execute("SELECT 1").fetchone() == (1,)


def test_a_long_statement_is_nobody_s_silence(watched):
    with connected(watched) as connection:
        assert connection.execute("SELECT pg_sleep(1.5), 7").fetchone() == ("", 7)
        assert WATCH.state is State.ANSWERING


def test_what_is_large_is_sent_and_read_whole(watched):
    with connected(watched) as connection:
        text = "x" * 5_000_000
        assert connection.execute("SELECT %s || 'y'", [text]).fetchone() == (text + "y",)


def test_a_new_connection_waits_for_the_server(watched):
    watched.proxy.freeze()
    until(lambda: WATCH.state is State.SILENT)
    made = []
    thread = threading.Thread(target=lambda: made.append(connected(watched)))
    thread.start()
    thread.join(0.3)
    assert made == []
    watched.proxy.thaw()
    thread.join(PATIENCE_SECONDS)
    made[0].close()


def test_a_server_that_refuses_is_unreachable(caplog):
    watch = Watch()
    watch.start(lambda: {"host": "127.0.0.1", "port": "1", "dbname": "none"}, 0.5)
    until(lambda: watch.state is State.UNREACHABLE)
    assert not watch.silent
    watch.stop()
    assert watch.state is State.ANSWERING
    said = [record for record in caplog.records if "database" in record.name]
    assert said[0].getMessage() == "database.unavailable"
    assert said[0].event_fields["state"] == "unreachable"


def test_without_a_watch_nothing_is_refused(network):
    with connected(network) as connection:
        assert not WATCH.started
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_no_silence_to_wait_for_is_no_watch(network):
    watch = Watch()
    watch.start(network.parameters, 0)
    assert not watch.started
