"""Events for people: coloured on a terminal, plain in a file."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

from structlog.dev import ConsoleRenderer

from orgbilling.lib.logs.redacting import clean_text
from orgbilling.lib.logs.rendering import EventFormatter


class ConsoleFormatter(EventFormatter):
    """One line an event; a traceback follows, indented, so that nothing in it can pass for an event."""

    def __init__(self, *, colors: bool | None = None) -> None:
        super().__init__()
        in_colour = sys.stderr.isatty() if colors is None else colors
        self._renderer = ConsoleRenderer(colors=in_colour, sort_keys=False)

    def render(self, event: dict[str, Any], record: logging.LogRecord) -> str:
        """The event, and its traceback below."""
        line = self._renderer(None, "", event)
        if record.exc_info and record.exc_info[0] is not None:
            text = "".join(traceback.format_exception(*record.exc_info))
            # Every kind of line end: some terminals know more of them than others.
            line += "".join(f"\n    {clean_text(part)}" for part in text.splitlines())
        return line
