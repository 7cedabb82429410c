"""The one configuration of logging: Django's ``LOGGING_CONFIG``, and the web server's own."""

from __future__ import annotations

import logging
import logging.config
import sys
from types import TracebackType
from typing import Any, Final

import structlog

from orgbilling.env import env_str
from orgbilling.lib.logs.rendering import ConsoleFormatter, JsonFormatter, to_record
from orgbilling.lib.logs.writing import STDERR, LineWriter

JSON, CONSOLE = "json", "console"
FORMATS: Final = (JSON, CONSOLE)
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


class LineHandler(logging.Handler):
    """Hands each event to the writer as a line. Never raises: nothing that is logged may fail because of it."""

    def __init__(self, formatter: logging.Formatter, writer: LineWriter = STDERR) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._writer = writer

    def handle(self, record: logging.LogRecord) -> bool:
        """Write the event; without the lock of other handlers: the writer has its own order."""
        told = bool(self.filter(record))
        if told:
            self.emit(record)
        return told

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out what Django says of an answer that is no failure of its own: ``request.finished`` says more."""
        return record.name != "django.request" or bool(record.exc_info)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the event, and before it how many were dropped."""
        dropped = self._writer.take_dropped()
        if dropped:
            self._put(_dropped_record(dropped))
        self._put(record)

    def _put(self, record: logging.LogRecord) -> None:
        self._writer.put((self.format(record) + "\n").encode("utf-8", "backslashreplace"))


def _dropped_record(count: int) -> logging.LogRecord:
    record = logging.LogRecord(__name__, logging.WARNING, "", 0, "logs.dropped", None, None)
    record.event_fields = {"count": count}
    return record


def handler(form: str) -> LineHandler:
    """The handler of every logger, for lines in that format."""
    return LineHandler(ConsoleFormatter() if form == CONSOLE else JsonFormatter())


def server_handler() -> LineHandler:
    """The same for the web server's first process, which reads no settings."""
    return handler(env_str("LOG_FORMAT", default="json"))


def configuration(*, level: str, form: str) -> dict[str, Any]:
    """Django's ``LOGGING``.

    Args:
        level: of ``LEVELS``.
        form: of ``FORMATS``.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"lines": {"()": handler, "form": form}},
        "loggers": {
            # Django would add a handler of its own, in debug mode.
            "django": {"handlers": [], "level": "NOTSET"},
            # An answer 400, and nobody's incident: strangers try names of hosts all day.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # At every invoice: which letters of the fonts go into its file.
            "fontTools": {"level": "WARNING"},
            # At every start of every command: that tasks exist. At every job: that it was asked for.
            "procrastinate.blueprints": {"level": "WARNING"},
            "procrastinate.jobs": {"level": "WARNING"},
            "procrastinate.periodic": {"level": "WARNING"},
            # Every call and answer.
            "stripe": {"level": "WARNING"},
        },
        "root": {"handlers": ["lines"], "level": level},
    }


def configure(config: dict[str, Any]) -> None:
    """Configure structlog and the standard library alike; ``LOGGING_CONFIG`` calls it with ``LOGGING``."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, to_record],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(config)
    logging.captureWarnings(capture=True)
    if not sys.stderr.isatty():
        sys.excepthook = _uncaught


def _uncaught(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
    """A program that ends by an exception says so in a line like any other; to a person, as Python does."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, value, trace)
        return
    structlog.stdlib.get_logger(__name__).critical("process.failed", exc_info=(kind, value, trace))
