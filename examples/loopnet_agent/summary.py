"""What is said at the end of a run: units, credits, and the service's word for them."""

from __future__ import annotations

from collections import Counter

from examples.loopnet_agent.journal import Journal
from examples.loopnet_agent.reconcile import Comparison
from examples.loopnet_agent.units import SERVICES, State

HEAD = ("service", "open", "done", "refunded", "credits", "at the service")


def table(journal: Journal, comparison: Comparison | None) -> str:
    """A line for each service; the last column is empty when the service wasn't asked."""
    units = journal.units()
    credits: Counter[str] = Counter()
    for charge in journal.charges():
        credits[charge.service] += charge.credits
    lines: list[tuple[str, ...]] = [HEAD]
    for service in SERVICES.values():
        own = [unit for unit in units if unit.service == service]
        lines.append(
            (
                service,
                str(sum(unit.open for unit in own)),
                str(sum(unit.state is State.DONE for unit in own)),
                str(sum(unit.state is State.REFUNDED for unit in own)),
                str(credits[service]),
                str(comparison.by_service[service]) if comparison else "",
            )
        )
    lines.append(
        (
            "all",
            str(sum(unit.open for unit in units)),
            str(sum(unit.state is State.DONE for unit in units)),
            str(sum(unit.state is State.REFUNDED for unit in units)),
            str(credits.total()),
            str(comparison.by_service.total()) if comparison else "",
        )
    )
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(_line(line, widths) for line in lines)


def verdict(comparison: Comparison) -> str:
    """Whether the service agrees, and where it doesn't."""
    lines = [
        *(f"Charged, but not noted yet: {key}" for key in comparison.not_noted),
        *(f"Different: {line}" for line in comparison.differences),
        "The service has other charges." if comparison.differences else "The service agrees.",
    ]
    return "\n".join(lines)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    first, *rest = (
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *rest]).rstrip()
