"""What a run leaves: a table for the terminal, and the document that the page is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench.programs import ROOT
from bench.rounds import Row

LATEST: Final = ROOT / "bench" / "results" / "latest.json"
PAGE: Final = ROOT / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run."""

    machine: Mapping[str, Any]
    rows: Sequence[Row]


def document(results: Results) -> str:
    """The JSON document, to be written to a file."""
    content = {"machine": results.machine, "rows": [asdict(row) for row in results.rows]}
    return json.dumps(content, indent=1) + "\n"


def read(text: str) -> Results:
    """A document again.

    Raises:
        KeyError, TypeError: it has another shape.
    """
    content = json.loads(text)
    if set(content) != {"machine", "rows"}:
        message = f"machine and rows are expected, not {sorted(content)}"
        raise KeyError(message)
    return Results(content["machine"], [Row(**row) for row in content["rows"]])


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(path.suffix + ".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def shown(number: float) -> str:
    """A figure for people."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if number < 10 else f"{number:.1f}"


def table(rows: Sequence[Row]) -> str:
    """The rows for the terminal."""
    heads = ("case", "peer", "ratio", "min", "max", "ours", "theirs", "unit")
    cells = [heads] + [
        (
            row.case,
            row.peer,
            f"{row.ratio:.3g}",
            f"{row.min:.3g}",
            f"{row.max:.3g}",
            shown(row.ours),
            shown(row.theirs),
            row.unit,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    lines = []
    for line in cells:
        parts = [
            cell.ljust(width) if column in {0, 1, 7} else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)
