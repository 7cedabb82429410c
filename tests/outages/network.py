"""A network between a test and its server that can be made to swallow everything."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.faults.proxy import Freezing, in_folder


@dataclass(frozen=True)
class Network:
    """The proxy, and what psycopg connects through it with."""

    proxy: Freezing
    folder: Path

    def parameters(self) -> dict[str, Any]:
        """The session's server, by way of the proxy."""
        given = conninfo_to_dict(os.environ["DATABASE_URL"])
        return {
            "user": given["user"],
            "dbname": given["dbname"],
            "host": str(self.folder),
            "application_name": self.folder.name,
        }


@contextmanager
def silent_network() -> Iterator[Network]:
    """A network that works until its proxy is frozen."""
    proxy = Freezing()
    folder = conninfo_to_dict(os.environ["DATABASE_URL"])["host"]
    proxy.server = Path(str(folder)) / ".s.PGSQL.5432"
    with in_folder(proxy) as path:
        try:
            yield Network(proxy, path)
        finally:
            # What nobody waits for any more would go on, and whoever makes an index concurrently wait for it.
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
                    [path.name],
                )
