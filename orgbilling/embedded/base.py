"""Django's PostgreSQL backend, over a server that starts when it is first needed.

So `manage.py help`, the type checker and the schema generator never start one.
"""

import os
from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import client

from orgbilling.database import base
from orgbilling.embedded.binaries import find_binaries
from orgbilling.embedded.server import ensure_running


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell` with the psql that came with the server."""

    def runshell(self, parameters: Iterable[str]) -> None:
        """Starts the server, then psql."""
        ensure_running(self.connection.settings_dict["EMBEDDED_HOME"])
        path = os.environ.get("PATH", os.defpath)
        os.environ["PATH"] = f"{find_binaries().folder}{os.pathsep}{path}"
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """Starts the embedded server before the first connection."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        """Returns the parameters of a connection to the running server."""
        ensure_running(self.settings_dict["EMBEDDED_HOME"])
        return super().get_connection_params()
