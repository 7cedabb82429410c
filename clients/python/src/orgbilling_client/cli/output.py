"""What a command prints: tables for people on a terminal, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

# A pipe has no width: nothing is cut off there.
PIPE_WIDTH = 10_000
GIVES_WAY = "…"
WIDTH_MIN = 6
GAP = 2


def screen() -> Console:
    """Standard output. Made for each use, so that whoever replaced it meanwhile gets what is printed."""
    return Console(
        file=sys.stdout,
        highlight=False,
        width=None if sys.stdout.isatty() else PIPE_WIDTH,
        soft_wrap=False,
    )


def side() -> Console:
    """Standard error, for everything that is not the answer."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def show_json(value: Any) -> None:
    """One document on one line, as `json.dumps` writes it."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """A table. Numbers stand to the right; a column whose name ends in ``…`` gives way where there is no room."""
    rows = [list(row) for row in rows]
    cells = [[cell(value) for value in row] for row in rows]
    names = [name.rstrip(GIVES_WAY) for name in columns]
    console = screen()
    natural = [
        max(len(name), *(row[index].cell_len for row in cells), 0)
        for index, name in enumerate(names)
    ]
    yielding = [index for index, name in enumerate(columns) if name.endswith(GIVES_WAY)]
    widths = _fitting(natural, yielding, console.width)
    table = _table(title)
    for index, name in enumerate(names):
        numbers = bool(rows) and all(isinstance(row[index], int | None) for row in rows)
        table.add_column(
            name,
            width=widths[index],
            justify="right" if numbers else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in cells:
        table.add_row(*row)
    _show(console, table)


def show_pairs(pairs: Mapping[str, Any], *, title: str = "") -> None:
    """Names and values, one a line; numbers stand below each other."""
    table = _table(title)
    numbers = all(isinstance(value, int) for value in pairs.values())
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold", justify="right" if numbers else "left")
    table.show_header = False
    for name, value in pairs.items():
        table.add_row(Text(name), cell(value))
    _show(screen(), table)


def _table(title: str) -> Table:
    return Table(
        title=Text(printable(title)) if title else None,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        collapse_padding=True,
        padding=(0, GAP, 0, 0),
    )


def _fitting(natural: list[int], yielding: list[int], room: int) -> list[int]:
    """The widths of columns; those that yield give away what is too much, the widest of them first."""
    widths = list(natural)
    excess = sum(widths) + GAP * (len(widths) - 1) - room
    while excess > 0:
        widest = max(yielding, key=lambda index: widths[index], default=None)
        if widest is None or widths[widest] <= WIDTH_MIN:
            break
        widths[widest] -= 1
        excess -= 1
    return widths


def _show(console: Console, table: Table) -> None:
    if console.is_terminal:
        console.print(table)
        return
    # Where nobody sees columns, no line ends in blanks.
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        sys.stdout.write(f"{line.rstrip()}\n")
    # Before what is said on standard error afterwards, also where both lead to one pipe.
    sys.stdout.flush()


def say(text: str, style: str = "") -> None:
    """A sentence on standard output."""
    screen().print(Text(text, style), soft_wrap=True)


def tell(text: str, style: str = "") -> None:
    """A sentence on standard error: progress, advice, reasons."""
    side().print(Text(text, style))


def progress() -> Progress:
    """A bar on standard error, which is not drawn where that is no terminal."""
    console = side()
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[done]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def cell(value: Any) -> Text:
    """A value as people read it. What came from the service is text, never markup or control codes."""
    if value is None:
        return Text("-", "dim")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, int):
        return Text(f"{value:,}")
    if isinstance(value, datetime):
        return Text(value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))
    if isinstance(value, Mapping):
        return Text(printable(json.dumps(plain(value), ensure_ascii=False)) if value else "")
    return Text(printable(str(value)))


def printable(text: str) -> str:
    """Text without what moves a terminal's cursor or hides: such characters are shown as escapes."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def plain(value: Any) -> Any:
    """Anything a command answers with, as JSON knows it: times in RFC 3339, money and ids as strings."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            one.name: plain(getattr(value, one.name))
            for one in fields(value)
            if not one.name.startswith("_")
        }
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | Decimal | UUID | PurePath):
        return str(value)
    return value
