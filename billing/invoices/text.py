"""Which letters can be printed: those that the bundled font has."""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTFont

FONT: Final = Path(__file__).resolve().parent / "fonts" / "DejaVuSans.ttf"
BOLD: Final = FONT.with_name("DejaVuSans-Bold.ttf")
#: In place of a letter that the font lacks: it is seen that something is missing.
SQUARE: Final = "\N{WHITE SQUARE}"


def printable(text: str) -> str:
    """The text with a square for each letter that can't be printed, and without control characters.

    Composed, since an accent of its own would be printed beside its letter. Line feeds stay.
    """
    known = _known()
    composed = unicodedata.normalize("NFC", text.replace("\t", " "))
    return "".join(
        letter if letter == "\n" or ord(letter) in known else SQUARE
        for letter in composed
        if letter == "\n" or unicodedata.category(letter) != "Cc"
    )


@cache
def _known() -> frozenset[int]:
    """The letters that both weights have."""
    found = []
    for path in (FONT, BOLD):
        with TTFont(path, lazy=True) as font:
            found.append(frozenset(font.getBestCmap()))
    return found[0] & found[1]
