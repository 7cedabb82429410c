"""Charts and bars as plain rectangles and labels: numbers in, attributes of SVG out.

Every attribute is a string made here: templates write thousands separators into numbers, which SVG can't read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: The drawing's size in its own units; it is scaled to its place on the page.
WIDTH: Final = 720
HEIGHT: Final = 250
LEFT: Final = 52
RIGHT: Final = 6
TOP: Final = 10
BOTTOM: Final = 24
#: How many classes of colours there are: ob-s1 and on.
COLOURS: Final = 7
#: About as many lines across the chart, the one at zero among them.
LINES: Final = 5
#: No more labels than that fit below the columns.
LABELS: Final = 7
#: The part of a column's room that is left empty.
GAP: Final = 0.24


@dataclass(frozen=True, slots=True)
class Rect:
    """One rectangle; `css` is its class."""

    x: str
    y: str
    width: str
    height: str
    css: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a point."""

    x: str
    y: str
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """One day: what hovering tells, its parts from zero outwards, and the area that is hovered over."""

    title: str
    rects: tuple[Rect, ...]
    area: Rect


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the chart with the value it stands for."""

    x1: str
    x2: str
    y: str
    label: Label


@dataclass(frozen=True, slots=True)
class Entry:
    """One series in the key: its colour's class, its name and its sum."""

    css: str
    name: str
    total: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked columns, and the same numbers as rows of a table: a label, the parts, their sum."""

    view_box: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    labels: tuple[Label, ...]
    key: tuple[Entry, ...]
    rows: tuple[tuple[str, tuple[int, ...], int], ...]
    total: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return all(not column.rects for column in self.columns)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar: its rectangle in per cent, and what the key says of it."""

    rect: Rect
    name: str
    value: int
    percent: str


def stacked(days: Sequence[str], series: Sequence[tuple[str, Sequence[int]]]) -> Chart:
    """A chart of columns, one for each day, with a part for each series.

    What is below zero hangs below the line at zero, so that a day of refunds hides nothing.

    Args:
        days: what each column is called.
        series: name and a number for each day, the most important first; from the eighth on they share a colour.
    """
    rows = tuple(
        (day, tuple(values[at] for _, values in series), sum(values[at] for _, values in series))
        for at, day in enumerate(days)
    )
    highest = max((_above(parts) for _, parts, _ in rows), default=0)
    lowest = min((_below(parts) for _, parts, _ in rows), default=0)
    scale = _Scale(*_bounds(lowest, highest))
    return Chart(
        view_box=f"0 0 {WIDTH} {HEIGHT}",
        columns=tuple(_column(at, len(days), row, series, scale) for at, row in enumerate(rows)),
        lines=tuple(_line(value, scale) for value in scale.lines),
        labels=_labels(days),
        key=tuple(Entry(colour(at), name, sum(values)) for at, (name, values) in enumerate(series)),
        rows=rows,
        total=sum(total for _, _, total in rows),
    )


def bar(parts: Sequence[tuple[str, str, int]]) -> tuple[Part, ...]:
    """The parts of a bar beside each other, together as wide as the bar; none has a width when all are 0.

    Args:
        parts: class, name and number of each; numbers below zero count as zero.
    """
    whole = sum(max(0, value) for _, _, value in parts)
    made, before = [], 0
    for css, name, value in parts:
        width = max(0, value)
        rect = Rect(_percent(before, whole), "0", _percent(width, whole), "100%", css)
        made.append(Part(rect, name, value, rounded_percent(width, whole)))
        before += width
    return tuple(made)


def colour(at: int) -> str:
    """The class of the series at a place; the last one serves for all that come after it."""
    return f"ob-s{min(at, COLOURS - 1) + 1}"


def rounded_percent(part: int, whole: int) -> str:
    """A part in whole per cent as people read it: never 0 % of something, nor 100 % of less than all."""
    if whole <= 0 or part <= 0:
        return "0 %"
    if part * 100 < whole:
        return "< 1 %"
    if part * 100 > whole * 99 and part < whole:
        return "> 99 %"
    return f"{(part * 200 + whole) // (whole * 2)} %"


def compact(number: int) -> str:
    """A number in few characters, for the lines of a chart: 950, 1.5k, 20M, 3B, 4T, 1,000Q."""
    sign, rest = ("-" if number < 0 else ""), abs(number)
    for power, unit in ((15, "Q"), (12, "T"), (9, "B"), (6, "M"), (3, "k")):
        if rest >= 10**power:
            tenths = rest * 10 // 10**power
            whole, tenth = divmod(tenths, 10)
            return f"{sign}{whole:,}{f'.{tenth}' if tenth and whole < 100 else ''}{unit}"
    return f"{sign}{rest}"


class _Scale:
    """Where values are on the drawing."""

    def __init__(self, lowest: int, highest: int, step: int) -> None:
        self.lowest, self.highest = lowest, highest
        self.lines = range(lowest, highest + 1, step)

    def y(self, value: int) -> float:
        """From above, in units of the drawing."""
        room = HEIGHT - TOP - BOTTOM
        return TOP + room * (self.highest - value) / (self.highest - self.lowest)


def _bounds(lowest: int, highest: int) -> tuple[int, int, int]:
    """The ends of the scale, whole steps both, and the step: 1, 2 or 5 with zeros."""
    step = _step(highest - lowest)
    low, high = lowest // step * step, -(-highest // step) * step
    return low, max(high, low + step), step


def _step(span: int) -> int:
    least = max(1, -(-span // (LINES - 1)))
    power: int = 10 ** (len(str(least)) - 1)
    factor = next(factor for factor in (1, 2, 5, 10) if factor * power >= least)
    return factor * power


def _above(parts: Sequence[int]) -> int:
    return sum(part for part in parts if part > 0)


def _below(parts: Sequence[int]) -> int:
    return sum(part for part in parts if part < 0)


def _column(
    at: int,
    count: int,
    row: tuple[str, tuple[int, ...], int],
    series: Sequence[tuple[str, Sequence[int]]],
    scale: _Scale,
) -> Column:
    day, parts, total = row
    room = (WIDTH - LEFT - RIGHT) / count
    left, width = LEFT + room * (at + GAP / 2), room * (1 - GAP)
    rects, above, below = [], 0, 0
    for number, value in enumerate(parts):
        start = above if value > 0 else below
        top, bottom = scale.y(max(start, start + value)), scale.y(min(start, start + value))
        if value > 0:
            above += value
        else:
            below += value
        if value:
            rects.append(_rect(left, top, width, bottom - top, colour(number)))
    told = [f"{name}: {value:,}" for (name, _), value in zip(series, parts, strict=True) if value]
    area = _rect(LEFT + room * at, TOP, room, HEIGHT - TOP - BOTTOM, "ob-area")
    return Column("\n".join([f"{day}: {total:,}", *told]), tuple(rects), area)


def _line(value: int, scale: _Scale) -> Line:
    y = scale.y(value)
    return Line(
        _text(LEFT),
        _text(WIDTH - RIGHT),
        _text(y),
        Label(_text(LEFT - 8), _text(y + 4), compact(value)),
    )


def _labels(days: Sequence[str]) -> tuple[Label, ...]:
    """Of the last day, and back from it of every so many."""
    if not days:
        return ()
    every = -(-len(days) // LABELS)
    room = (WIDTH - LEFT - RIGHT) / len(days)
    last = len(days) - 1
    # The last label would stick out if it were in the middle of its column.
    shown = range((last - every // 2) % every, len(days), every)
    return tuple(
        Label(_text(LEFT + room * (at + 0.5)), _text(HEIGHT - 6), days[at]) for at in shown
    )


def _rect(x: float, y: float, width: float, height: float, css: str) -> Rect:
    return Rect(_text(x), _text(y), _text(width), _text(height), css)


def _text(number: float) -> str:
    """Without an exponent, which some readers of SVG don't take, and without zeros at the end."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _percent(part: int, whole: int) -> str:
    return f"{_text(part * 100 / whole)}%" if whole > 0 else "0%"
