"""Every figure that the code can tell, with its labels."""

import re
from importlib import import_module

from prometheus_client import Counter

from orgbilling.lib.metrics import NAMESPACE, REGISTRY
from orgbilling.metrics.exposition import FAILED, JOURNAL, TAKEN, UP
from orgbilling.metrics.figures import QUESTIONS

# It defines a figure when it is imported, by whatever reads a report first.
import_module("orgbilling.lib.replica")


def every_figure():
    """name -> its labels; counters with their `_total`, histograms without a suffix."""
    found = {}
    for collector in REGISTRY._collector_to_names:
        name = f"{collector._name}_total" if isinstance(collector, Counter) else collector._name
        found[name] = tuple(collector._labelnames)
    gauges = [figure for question in QUESTIONS for figure in question.figures]
    for figure in (UP, TAKEN, FAILED, *gauges):
        found[f"{NAMESPACE}_{figure.name}"] = (figure.label,) if figure.label else ()
    found[f"{NAMESPACE}_{JOURNAL.name}_total"] = (JOURNAL.label,)
    return found


def named_in(expression):
    """Our figures that an expression of PromQL names; a histogram's by its own name."""
    words = set(re.findall(r"\borgbilling_\w+", expression))
    return {re.sub(r"_(bucket|sum|count)$", "", word) for word in words}
