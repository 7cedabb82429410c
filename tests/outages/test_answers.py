"""What a caller is told when the database can't."""

import psycopg
import pytest
from django.db import OperationalError, connection

from orgbilling.database.base import be_patient_for
from orgbilling.database.watch import WATCH
from orgbilling.lib import transactions
from orgbilling.lib.connections import discard_dead
from orgbilling.lib.errors import DatabaseUnavailable
from orgbilling.web.errors import understand


def from_postgresql(error):
    """As Django raises it."""
    wrapped = OperationalError("detail that is nobody's business")
    wrapped.__cause__ = error
    return wrapped


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (psycopg.errors.DiskFull, "no disk space"),
        (psycopg.errors.OutOfMemory, "no memory"),
        (psycopg.errors.TooManyConnections, "no more connections"),
        (psycopg.errors.CannotConnectNow, "starting or stopping"),
        (psycopg.errors.AdminShutdown, "can't serve"),
    ],
)
def test_the_reason_is_said_where_an_operator_can_mend_it(error, words):
    trouble = understand(from_postgresql(error("secret")))
    assert (trouble.code, trouble.headers["Retry-After"]) == ("database_unavailable", "1")
    assert words in trouble.detail
    assert "Nothing was changed" in trouble.detail


@pytest.mark.django_db(transaction=True)
def test_nothing_is_begun_while_the_server_is_silent(monkeypatch):
    connection.ensure_connection()
    monkeypatch.setattr(WATCH, "silent", True)
    called = []
    for begin in (transactions.run, transactions.call):
        with pytest.raises(DatabaseUnavailable):
            begin(lambda: called.append(1))
    assert called == []


@pytest.mark.django_db(transaction=True)
def test_connections_in_the_pool_are_kept_while_nothing_can_be_told_of_them(monkeypatch):
    connection.ensure_connection()
    pool = connection.pool
    monkeypatch.setattr(WATCH, "silent", True)
    monkeypatch.setattr(pool, "check", lambda: pytest.fail("asked a silent server"))
    discard_dead()


@pytest.mark.django_db
def test_every_connection_has_its_limits():
    with connection.cursor() as cursor:
        found = {}
        for name in (
            "statement_timeout",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
            "client_connection_check_interval",
            "idle_session_timeout",
        ):
            cursor.execute("SELECT current_setting(%s)", [name])
            found[name] = cursor.fetchone()[0]
    assert found == {
        "statement_timeout": "30s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "30s",
        "client_connection_check_interval": "2s",
        # A pool's idle connections are no mistake.
        "idle_session_timeout": "0",
    }
    parameters = connection.get_connection_params()
    assert parameters["connect_timeout"] == "3"
    assert parameters["tcp_user_timeout"] == "30000"


def test_a_pool_that_is_there_already_is_as_patient_as_others():
    pool, options = connection.pool, connection.settings_dict["OPTIONS"]["pool"]
    before = options["timeout"]
    try:
        be_patient_for(0.7)
        assert (pool.timeout, options["timeout"]) == (0.7, 0.7)
    finally:
        be_patient_for(before)
