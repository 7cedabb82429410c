"""What the service counts for monitors; each piece defines its own figures by these two functions.

Labels are closed lists: routes, codes, outcomes. Never an id, and never a text that a caller chooses: every value
is a time series that is kept for weeks. What a transaction does is counted once it is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

NAMESPACE: Final = "orgbilling"
#: The figures of this process. Those of all processes are in their files (``orgbilling.lib.metrics_files``).
REGISTRY: Final = CollectorRegistry()

# A second series for every counter, which nothing of ours reads.
disable_created_metrics()  # type: ignore[no-untyped-call]


def counter(name: str, says: str, *labels: str) -> Counter:
    """Define ``orgbilling_<name>_total``: what has happened since the service was started."""
    return Counter(name, says, labels, namespace=NAMESPACE, registry=REGISTRY)


def histogram(name: str, says: str, *labels: str, buckets: Sequence[float]) -> Histogram:
    """Define ``orgbilling_<name>``; ``buckets`` are upper bounds in the unit that the name ends with."""
    return Histogram(
        name, says, labels, namespace=NAMESPACE, registry=REGISTRY, buckets=tuple(buckets)
    )


def gauge(name: str, says: str, *labels: str) -> Gauge:
    """Define ``orgbilling_<name>``: the sum over the processes that live."""
    return Gauge(
        name,
        says,
        labels,
        namespace=NAMESPACE,
        registry=REGISTRY,
        multiprocess_mode="livesum",
    )
