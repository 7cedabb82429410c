"""How full the pools of database connections are: each process says so of its own, every few seconds."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import structlog
from django.db import connections

from orgbilling.lib.metrics import counter, gauge

logger = structlog.stdlib.get_logger(__name__)

EVERY_SECONDS: Final = 5.0

SIZE = gauge("db_pool_connections", "Connections of the pools, of all processes.", "pool")
MAX = gauge("db_pool_max_connections", "Connections that the pools may have.", "pool")
AVAILABLE = gauge("db_pool_available_connections", "Connections that wait for a request.", "pool")
WAITING = gauge("db_pool_waiting_requests", "Requests that wait for a connection.", "pool")
TIMEOUTS = counter("db_pool_timeouts", "Requests that got no connection in time.", "pool")

_GAUGES: Final = (
    (SIZE, "pool_size"),
    (MAX, "pool_max"),
    (AVAILABLE, "pool_available"),
    (WAITING, "requests_waiting"),
)
_timeouts_told: dict[str, int] = {}
_telling = threading.Lock()


def publish() -> None:
    """Say how full this process's pools are now."""
    with _telling:
        for alias in connections:
            pool: Any = getattr(connections[alias], "pool", None)
            if pool is None:
                continue
            stats = pool.get_stats()
            for figure, key in _GAUGES:
                figure.labels(alias).set(stats.get(key, 0))
            timeouts = stats.get("requests_errors", 0)
            TIMEOUTS.labels(alias).inc(max(0, timeouts - _timeouts_told.get(alias, 0)))
            _timeouts_told[alias] = timeouts


def publish_forever() -> None:
    """Publish every five seconds, in a thread that ends with the process."""
    threading.Thread(target=_publish_forever, name="pool-metrics", daemon=True).start()


def _publish_forever() -> None:
    while True:
        try:
            publish()
        except Exception:
            logger.exception("metrics.pools_not_published")
        time.sleep(EVERY_SECONDS)
