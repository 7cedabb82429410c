"""Contenders measured in turns, and the ratios that come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.ground import Ground

OURS: Final = "ours"
#: Seconds to measure -> a figure for each case.
Measure = Callable[[float], Mapping[str, float]]


class RoundFailed(RuntimeError):
    """A measurement went wrong, or credits moved otherwise than was counted: the run has failed."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is said of a case against a peer.

    Attributes:
        ratio: the median over the rounds of ours / theirs, both of the same round.
        min, max: the smallest and the largest of these.
        ours, theirs: medians over the rounds, in `unit`.
    """

    case: str
    peer: str
    ratio: float
    min: float
    max: float
    ours: float
    theirs: float
    unit: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Cases that are measured together, of ourselves and of peers.

    Attributes:
        cases: case -> unit. `--only` finds it by any of them.
        stage: everything that it needs, made for its time; yields contender -> how it is measured, OURS first.
        detail: left out of the quick bench.
        missing: why it can't be measured; empty: it can.
    """

    cases: Mapping[str, str]
    stage: Callable[[Ground], AbstractContextManager[Mapping[str, Measure]]]
    detail: bool = False
    missing: str = ""


def measured(comparison: Comparison, ground: Ground, say: Callable[[str], Any]) -> list[Row]:
    """The rows of a comparison: every contender once a round, in turns that change direction each round.

    Raises:
        RoundFailed: one couldn't be measured; says which.
    """
    plan = ground.plan
    figures: list[Mapping[str, Mapping[str, float]]] = []
    with comparison.stage(ground) as contenders:
        names = list(contenders)
        if plan.warm_seconds:
            for name in names:
                _measure(contenders[name], name, plan.warm_seconds)
        for number in range(plan.rounds):
            order = names if number % 2 == 0 else names[::-1]
            found = {name: _measure(contenders[name], name, plan.seconds) for name in order}
            figures.append({name: found[name] for name in names})
            say(f"round {number + 1}: " + _shown(figures[-1], comparison.cases))
    return rows_of(comparison.cases, figures)


def rows_of(
    cases: Mapping[str, str], rounds: Sequence[Mapping[str, Mapping[str, float]]]
) -> list[Row]:
    """A row for each case and peer that has it.

    Args:
        rounds: of each round contender -> case -> figure.
    """
    rows = []
    for case, unit in cases.items():
        for peer in rounds[0]:
            if peer == OURS or case not in rounds[0][peer] or case not in rounds[0][OURS]:
                continue
            ours = [one[OURS][case] for one in rounds]
            theirs = [one[peer][case] for one in rounds]
            ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
            rows.append(
                Row(
                    case=case,
                    peer=peer,
                    ratio=significant(median(ratios)),
                    min=significant(min(ratios)),
                    max=significant(max(ratios)),
                    ours=significant(median(ours)),
                    theirs=significant(median(theirs)),
                    unit=unit,
                )
            )
    return rows


def significant(number: float, digits: int = 4) -> float:
    """A figure with as many digits as it deserves."""
    return float(f"{number:.{digits}g}")


def _measure(measure: Measure, name: str, seconds: float) -> Mapping[str, float]:
    try:
        found = measure(seconds)
    except Exception as error:
        message = f"{name}: {error}"
        raise RoundFailed(message) from error
    nothing = [case for case, figure in found.items() if figure <= 0]
    if nothing:
        message = f"{name}: nothing was measured of {', '.join(nothing)}"
        raise RoundFailed(message)
    return found


def _shown(figures: Mapping[str, Mapping[str, float]], cases: Mapping[str, str]) -> str:
    first = next(iter(cases))
    return ", ".join(
        f"{name} {found[first]:,.4g}" for name, found in figures.items() if first in found
    )
