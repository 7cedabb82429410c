"""The one configuration of logging: Django's ``LOGGING`` and ``LOGGING_CONFIG``."""

from __future__ import annotations

import logging
import logging.config
import sys
from types import TracebackType
from typing import Any, Final

import structlog

from orgbilling.lib.logs.console import ConsoleFormatter
from orgbilling.lib.logs.events import EventLogger
from orgbilling.lib.logs.handling import LineHandler
from orgbilling.lib.logs.rendering import EventFormatter, JsonFormatter

FORMATTERS: Final[dict[str, type[EventFormatter]]] = {
    "json": JsonFormatter,
    "console": ConsoleFormatter,
}
FORMATS: Final = tuple(FORMATTERS)
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


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
            # Django's own defaults would add handlers of theirs.
            "django": {"handlers": [], "level": "NOTSET"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # An answer 400, and nobody's incident: strangers try names of hosts all day.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # Every variable that a template lacks.
            "django.template": {"level": "INFO"},
            # Every statement, with what is in it; on in debug mode.
            "django.db.backends": {"level": "INFO"},
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


def handler(form: str) -> LineHandler:
    """The handler of every logger, for lines of that form."""
    return LineHandler(FORMATTERS[form]())


def configure(config: dict[str, Any]) -> None:
    """Configure structlog and the standard library alike; ``LOGGING_CONFIG`` calls it with ``LOGGING``."""
    structlog.configure(
        processors=[],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=EventLogger,
        cache_logger_on_first_use=True,
    )
    # No line says them, and each is looked up for every record.
    for looked_up in ("logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks"):
        setattr(logging, looked_up, False)
    logging.config.dictConfig(config)
    logging.captureWarnings(capture=True)
    if not sys.stderr.isatty():
        sys.excepthook = _uncaught


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A program that ends by an exception says so in a line like any other; to a person, as Python does."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logger = structlog.stdlib.get_logger(__name__)
    logger.critical("process.failed", exc_info=(kind, error, trace))
