"""How an event of ours becomes a record of the standard library: the shortest way that both of them offer."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

import structlog

#: Where a record has the fields of an event of ours.
FIELDS: Final = "event_fields"
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "exception": logging.ERROR,
    "critical": logging.CRITICAL,
}


def source_of(logger: structlog.stdlib.BoundLogger) -> logging.Logger:
    """The standard library's logger behind one of ours."""
    source: logging.Logger = logger.bind()._logger  # noqa: SLF001 - structlog has no other way to it
    return source


class EventLogger(structlog.stdlib.BoundLogger):
    """structlog's logger for the standard library, without its chain of processors: two lines a request are many."""

    def _proxy_to_logger(
        self, method_name: str, event: str | None = None, *event_args: Any, **event_kw: Any
    ) -> None:
        """Hand the event to the handlers, if its level is one that is written. What structlog calls in every method."""
        logger = self._logger
        level = _LEVELS[method_name]
        if not logger.isEnabledFor(level):
            return
        exc_info = event_kw.pop("exc_info", None)
        if isinstance(exc_info, BaseException):
            exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
        elif exc_info and not isinstance(exc_info, tuple):
            exc_info = sys.exc_info()
        if event_args:
            event_kw["positional_args"] = event_args
        if self._context:
            event_kw = {**self._context, **event_kw}
        # Past the method of structlog that names the level.
        caller = sys._getframe(2)  # noqa: SLF001 - as the standard library's logging finds it
        code = caller.f_code
        record = logging.LogRecord(
            logger.name,
            level,
            code.co_filename,
            caller.f_lineno,
            event,
            None,
            exc_info or None,
            code.co_name,
        )
        # What isn't known isn't said.
        record.event_fields = {
            field: value for field, value in event_kw.items() if value is not None
        }
        logger.handle(record)
