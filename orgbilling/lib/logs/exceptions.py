"""An exception as data: what it is, what it says and where, without the values of any variable."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any, Final

from orgbilling.lib.logs.redacting import clean_text

#: The innermost ones; a line should stay below what a pipe takes at once.
FRAMES_MAX: Final = 12
#: Exceptions that caused each other.
CHAIN_MAX: Final = 4

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def described(error: BaseException) -> list[dict[str, Any]]:
    """The exception and those behind it, the last one first."""
    chain: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(chain) < CHAIN_MAX:
        chain.append(_one(current))
        behind = current.__cause__
        if behind is None and not current.__suppress_context__:
            behind = current.__context__
        current = behind
    return chain


def _one(error: BaseException) -> dict[str, Any]:
    # Only places: source lines would be read from the disk.
    frames = [
        clean_text(f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}")
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return {
        "type": f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins."),
        "message": clean_text(str(error)),
        "frames": frames[-FRAMES_MAX:],
    }
