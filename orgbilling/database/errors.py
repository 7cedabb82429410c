"""What the watch raises. Both are a lost connection to whoever handles errors of psycopg."""

from __future__ import annotations

import psycopg


class ServerSilent(psycopg.OperationalError):
    """The server answers nobody; what was sent to it may or may not be done once it goes on."""


class NotSent(psycopg.OperationalError):
    """The server can't be asked at the moment; nothing was sent."""
