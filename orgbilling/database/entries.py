"""The entries of DATABASES: what every connection of ours is opened with, and how many a process keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

# Of libpq; the URL may say otherwise. A connection whose other end is gone without a word is lost after about
# 30 seconds; over a socket of this machine none of it but the first means anything.
_NETWORK: Final = {
    "connect_timeout": "3",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

#: Prepared when a connection sees it for the second time: many statements are sent once.
PREPARED_AFTER: Final = 1


@dataclass(frozen=True, slots=True)
class Session:
    """What a session is held to, and the pool that keeps it; times in milliseconds and seconds."""

    lock_timeout_ms: int
    statement_timeout_ms: int
    pool_size: int
    pool_timeout_seconds: int

    def of(
        self, base: Mapping[str, Any], extra: str = "", *, pooler: bool, kept: int = 1
    ) -> dict[str, Any]:
        """The entry of a server.

        Args:
            base: where it is, as ``orgbilling.env.database_from_url`` returns it.
            extra: further ``-c name=value`` for each session.
            pooler: whether it is behind a pooler of transactions, which lets no session ask for anything.
            kept: connections that stay open while nobody needs them.
        """
        session = (
            f"-c lock_timeout={self.lock_timeout_ms} -c statement_timeout={self.statement_timeout_ms} "
            # What a caller has given up is given up by the server too, and its locks with it.
            f"-c idle_in_transaction_session_timeout=30000 -c client_connection_check_interval=2000 {extra}"
        )
        pool = {
            "min_size": kept,
            "max_size": self.pool_size,
            "timeout": self.pool_timeout_seconds,
        }
        # No health check at checkout: it would cost every charge a second round trip. A connection that turns out to
        # be dead empties its pool of others like it (orgbilling.lib.connections) and its request may be retried.
        return {
            **base,
            "OPTIONS": {
                **_NETWORK,
                **base.get("OPTIONS", {}),
                **({} if pooler else {"options": session.strip()}),
                # Of the statements that ask for it (orgbilling.database.preparing).
                "prepare_threshold": None if pooler else PREPARED_AFTER,
                "pool": pool,
            },
            "CONN_HEALTH_CHECKS": False,
            "DISABLE_SERVER_SIDE_CURSORS": pooler,
        }

    def of_replica(self, base: Mapping[str, Any]) -> dict[str, Any]:
        """The entry of the read replica: read only even when it has been promoted.

        No connection is kept, so that no pool looks for a server that is gone.
        """
        entry = self.of(base, "-c default_transaction_read_only=on", pooler=False, kept=0)
        return {**entry, "TEST": {"MIRROR": "default"}}
