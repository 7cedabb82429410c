"""A database on every node of a cluster: CREATE DATABASE makes it on one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

NODES = "SELECT nodename, nodeport, groupid = 0 FROM pg_dist_node WHERE noderole = 'primary' ORDER BY groupid"


class Cluster:
    """The nodes that the database of ``url`` knows."""

    def __init__(self, url: str) -> None:
        self.url = url
        with psycopg.connect(url) as connection:
            self.nodes: list[tuple[str, int, bool]] = connection.execute(NODES).fetchall()
        if not any(coordinator for _host, _port, coordinator in self.nodes) or len(self.nodes) < 2:
            message = f"{url} is no coordinator of a cluster with workers"
            raise RuntimeError(message)

    def adopt(self, database: str) -> None:
        """Make ``database``, which the coordinator has, a cluster of the same nodes."""
        for host, port, coordinator in self.nodes:
            if not coordinator:
                with self._on(host, port) as there:
                    there.execute(_drop(database))
                    there.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            with self._on(host, port, database) as there:
                there.execute("CREATE EXTENSION citus")
        with psycopg.connect(self.url, dbname=database, autocommit=True) as coordinator_session:
            for host, port, coordinator in self.nodes:
                add = "citus_set_coordinator_host" if coordinator else "citus_add_node"
                coordinator_session.execute(
                    sql.SQL("SELECT {}({}, {})").format(sql.Identifier(add), host, port)
                )

    def drop(self, database: str) -> None:
        """Drop it everywhere, whoever is connected."""
        for host, port, _coordinator in self.nodes:
            with self._on(host, port) as there:
                there.execute(_drop(database))

    @contextmanager
    def _on(
        self, host: str, port: int, database: str = "postgres"
    ) -> Iterator[psycopg.Connection[Any]]:
        where = make_conninfo(self.url, host=host, port=port, dbname=database)
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute("SET client_min_messages = error")
            yield connection


def _drop(database: str) -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
