"""After a restart of the server every pooled connection is dead, and only using one tells."""

from __future__ import annotations

import contextlib

import psycopg
import psycopg_pool
from django.db import DatabaseError, InterfaceError, connections

from orgbilling.database.watch import WATCH


def discard_dead() -> None:
    """Give back this thread's connections, and drop the dead ones of their pools.

    Called when a connection turned out to be lost, so that one request pays for it and not one a connection.
    A connection inside a transaction is left alone: its owner ends it. While the server is silent nothing can be
    told of those in the pool: they are kept, and serve again when it goes on.
    """
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            continue
        pool = getattr(connection, "pool", None)
        with contextlib.suppress(DatabaseError, InterfaceError, psycopg.Error):
            connection.close()
        if pool is not None and not pool.closed and not WATCH.silent:
            with contextlib.suppress(psycopg.Error, psycopg_pool.PoolTimeout):
                pool.check()
