"""The text that monitors read: the counters of all processes, then the database's figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from credits.choices import JournalKind
from orgbilling.lib.metrics import NAMESPACE, REGISTRY
from orgbilling.lib.metrics_files import everybodys, shared_folder
from orgbilling.lib.pool_metrics import publish
from orgbilling.metrics import snapshot
from orgbilling.metrics.figures import QUESTIONS, Figure

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

UP: Final = Figure("database_up", "Whether the database answered, 1 or 0.")
TAKEN: Final = Figure(
    "database_figures_timestamp_seconds", "When the database's figures were read; at most 15 s ago."
)
FAILED: Final = Figure(
    "database_questions_failed", "Of the database's figures, how many statements failed."
)
JOURNAL: Final = Figure(
    "journal_entries",
    "Rows of the journal since the service was started, a minute after they are written.",
    "kind",
)


class DatabaseFigures(Collector):
    """What the database knows; `orgbilling_database_up 0` and nothing else while it doesn't answer."""

    def collect(self) -> Iterator[Metric]:
        """Yield each figure that there is."""
        found = snapshot.current()
        yield _gauge(UP, [("", float(found is not None))])
        if found is None:
            return
        yield _gauge(TAKEN, [("", found.taken_at)])
        for figure in (*(figure for one in QUESTIONS for figure in one.figures), FAILED):
            values = found.figures.get(figure.name)
            if values is not None:
                yield _gauge(figure, values)
        counted = CounterMetricFamily(
            f"{NAMESPACE}_{JOURNAL.name}", JOURNAL.says, labels=[JOURNAL.label]
        )
        for kind in JournalKind.values:
            counted.add_metric([kind], found.journal.get(kind, 0))
        yield counted


def exposition() -> bytes:
    """Return everything in Prometheus's text format."""
    registry = CollectorRegistry()
    folder = shared_folder()
    publish()
    registry.register(REGISTRY if folder is None else everybodys(folder))
    registry.register(DatabaseFigures())
    return generate_latest(registry)


def _gauge(figure: Figure, values: list[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        f"{NAMESPACE}_{figure.name}", figure.says, labels=[figure.label] if figure.label else []
    )
    for label, value in values:
        family.add_metric([label] if figure.label else [], value)
    return family
