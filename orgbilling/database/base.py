"""Django's PostgreSQL backend, with connections that are watched."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.postgresql import base
from psycopg import Connection

from orgbilling.database.connection import WatchedConnection
from orgbilling.database.errors import NotSent
from orgbilling.database.watch import WATCH


class DatabaseWrapper(base.DatabaseWrapper):
    """Refuses at once what could only be waited for in vain."""

    def __init__(self, settings_dict: dict[str, Any], alias: str = "default") -> None:
        pool = settings_dict.get("OPTIONS", {}).get("pool")
        if isinstance(pool, dict):
            # In place: all threads share the settings, and the pool is made by the first of them.
            pool.setdefault("connection_class", WatchedConnection)
        super().__init__(settings_dict, alias)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        """A connection of the pool; raises NotSent while the server is silent."""
        if WATCH.silent:
            raise NotSent("the database doesn't answer")
        connection: Connection[Any] = super().get_new_connection(conn_params)
        return connection


def be_patient_for(seconds: float) -> None:
    """Let every pool wait so long for a connection, whatever the settings say; those that are made already, too."""
    for alias in connections:
        connections[alias].settings_dict["OPTIONS"]["pool"]["timeout"] = seconds
        made = DatabaseWrapper._connection_pools.get(alias)  # type: ignore[attr-defined]  # noqa: SLF001
        if made is not None:
            made.timeout = seconds
