"""How many deadlocks PostgreSQL has met in this database."""

from django.db import connection

BACKENDS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def deadlocks() -> int:
    """The counter, once every other connection is closed: a connection reports what it met by then."""
    connection.close()
    connection.close_pool()
    with connection.cursor() as cursor:
        cursor.execute(BACKENDS)
        while cursor.fetchone()[0]:
            cursor.execute(BACKENDS)
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(DEADLOCKS)
        return int(cursor.fetchone()[0])
