"""Reads the project's pages: fenced blocks, tables, links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")


class Block(NamedTuple):
    """A fenced block."""

    language: str
    text: str


def section(text: str, heading: str) -> str:
    """What stands below a heading, to the next one of its level; it has to be there."""
    level = heading.split(" ", maxsplit=1)[0]
    below = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.DOTALL | re.MULTILINE
    )
    assert below is not None, f"There is no heading {heading!r}."
    return below[1]


def blocks(text: str) -> list[Block]:
    """The fenced blocks, in order."""
    return [Block(*match) for match in FENCE.findall(text)]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of all tables' rows, without heads and rulers."""
    lines = FENCE.sub("", text).splitlines()
    for number, line in enumerate(lines):
        head = number + 1 < len(lines) and lines[number + 1].startswith("|---")
        if line.startswith("|") and not line.startswith("|---") and not head:
            yield [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def anchors(text: str) -> set[str]:
    """What the page's headings are called in links, as GitHub and most others make it."""
    headings = re.findall(r"^#{1,6} (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def codes(cell: str) -> list[str]:
    """What stands in backticks."""
    return CODE.findall(cell)
