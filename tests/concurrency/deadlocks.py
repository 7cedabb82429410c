"""How many deadlocks PostgreSQL has met in this database."""

import os
from typing import Any

import psycopg
from django.db import OperationalError, connection, connections

CONNECTED = """
    SELECT array_agg(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
"""
LEFT = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"
END = "SELECT count(pg_terminate_backend(pid)) FROM unnest(%s) AS pid"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def deadlocks() -> int:
    """The counter, once everybody connected until now is gone: what they met is counted by then."""
    if past_the_pooler := os.environ.get("UNPOOLED_URL"):
        return _of_pooled(past_the_pooler)
    before = ask(CONNECTED)
    leave()
    while ask(LEFT, before):
        pass
    return int(ask(DEADLOCKS))


def leave() -> None:
    """Close every connection of this process."""
    for each in connections.all():
        each.close()
        each.close_pool()


def ask(sql: str, *args: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, args or None)
        return cursor.fetchone()[0]


def _of_pooled(url: str) -> int:
    """The same where a pooler keeps its connections whoever leaves: they are ended, past it."""
    leave()
    name = connection.settings_dict["NAME"]
    with psycopg.connect(url, dbname=name, autocommit=True) as direct:
        (connected,) = direct.execute(CONNECTED).fetchone()
        before = [pid for pid in connected if pid != direct.info.backend_pid]
        direct.execute(END, [before])
        while direct.execute(LEFT, [before]).fetchone()[0]:
            pass
        (counted,) = direct.execute(DEADLOCKS).fetchone()
    while not _is_noticed():
        pass
    return int(counted)


def _is_noticed() -> bool:
    """Whether the pooler offers no connection any more that was ended."""
    try:
        return bool(ask("SELECT 1"))
    except OperationalError:
        connection.close()
        return False
