"""Django's PostgreSQL backend, with connections that are watched."""

from __future__ import annotations

from typing import Any, Final

from django.db import connections
from django.db.backends.postgresql import base
from django.db.backends.postgresql.features import DatabaseFeatures
from django.db.backends.utils import CursorWrapper
from psycopg import Connection

from orgbilling.database import taken
from orgbilling.database.connection import ReplicaConnection, WatchedConnection
from orgbilling.database.errors import NotSent
from orgbilling.database.schema import SchemaEditor

#: The alias of the read replica in DATABASES.
REPLICA: Final = "replica"


class Features(DatabaseFeatures):
    """PostgreSQL's, without leaning on a primary key: on Citus it is not the model's ``id`` alone."""

    allows_group_by_selected_pks = False


class DatabaseWrapper(base.DatabaseWrapper):
    """Refuses at once what could only be waited for in vain."""

    SchemaEditorClass = SchemaEditor
    features_class = Features

    def __init__(self, settings_dict: dict[str, Any], alias: str = "default") -> None:
        pool = settings_dict.get("OPTIONS", {}).get("pool")
        if isinstance(pool, dict):
            # In place: all threads share the settings, and the pool is made by the first of them.
            pool.setdefault("connection_class", self._watched(alias))
        super().__init__(settings_dict, alias)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        """A connection of the pool; raises NotSent while the server is silent."""
        if self._watched(self.alias).watch.silent:
            raise NotSent("the database doesn't answer")
        connection: Connection[Any] = super().get_new_connection(conn_params)
        taken.note(self)
        return connection

    def preparing_cursor(self) -> CursorWrapper:
        """See ``orgbilling.database.preparing``."""
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = base.ServerBindingCursor(self.connection)  # type: ignore[call-arg]
        prepared: CursorWrapper = self._prepare_cursor(cursor)  # type: ignore[attr-defined]
        return prepared

    @staticmethod
    def _watched(alias: str) -> type[WatchedConnection]:
        return ReplicaConnection if alias == REPLICA else WatchedConnection


def be_patient_for(seconds: float) -> None:
    """Let every pool wait so long for a connection, whatever the settings say; those that are made already, too."""
    for alias in connections:
        connections[alias].settings_dict["OPTIONS"]["pool"]["timeout"] = seconds
        made = DatabaseWrapper._connection_pools.get(alias)  # type: ignore[attr-defined]  # noqa: SLF001
        if made is not None:
            made.timeout = seconds
