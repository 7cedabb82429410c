"""How many deadlocks PostgreSQL has met in this database."""

from typing import Any

from django.db import connection, connections

CONNECTED = """
    SELECT array_agg(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
"""
LEFT = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def deadlocks() -> int:
    """The counter, once everybody connected until now is gone: what they met is counted by then."""
    before = ask(CONNECTED)
    for each in connections.all():
        each.close()
        each.close_pool()
    while ask(LEFT, before):
        pass
    return int(ask(DEADLOCKS))


def ask(sql: str, *args: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, args or None)
        return cursor.fetchone()[0]
