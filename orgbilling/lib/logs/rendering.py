"""An event as one JSON line, or as text for people; made of the records that come from every logger."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

from structlog.contextvars import get_contextvars
from structlog.dev import ConsoleRenderer
from structlog.stdlib import BoundLogger
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, WrappedLogger

from orgbilling.lib.logs.jobs import job_event
from orgbilling.lib.logs.redacting import clean_fields, clean_text

FIELDS: Final = "event_fields"
_TEXT_OF_EXCEPTION: Final = "exception"
_FRAMES_MAX: Final = 12
# Never the values of variables: they are what secrets are in.
_exceptions: Final = ExceptionDictTransformer(show_locals=False, max_frames=_FRAMES_MAX)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def to_record(
    _logger: WrappedLogger, _method: str, event: EventDict
) -> tuple[tuple[str], dict[str, Any]]:
    """The last step in structlog: what the standard library's logger is called with."""
    name = event.pop("event")
    exc_info = event.pop("exc_info", None)
    # What isn't known isn't said.
    fields = {key: value for key, value in event.items() if value is not None}
    return (name,), {"exc_info": exc_info, "extra": {FIELDS: fields}}


class EventFormatter(logging.Formatter):
    """What both forms share: an event's fields, in an order for reading, and nothing in them that mustn't be."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end."""
        try:
            return self.render(self.head(record) | self.fields(record), record)
        except Exception as failure:  # noqa: BLE001 - an event that can't be told is told of
            event = self.head(record) | {
                "event": "logs.unreadable",
                "error": clean_text(type(failure).__name__),
                "place": clean_text(f"{record.pathname}:{record.lineno}"),
            }
            return _ENCODER.encode(event)

    def head(self, record: logging.LogRecord) -> dict[str, Any]:
        """When, how bad, and who says so."""
        moment = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
        return {
            "timestamp": moment.isoformat(timespec="microseconds") + "Z",
            "level": record.levelname.lower(),
            "logger": clean_text(record.name),
        }

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """The event's name, the request or job that it belongs to, and its own fields."""
        own: dict[str, Any] | None = getattr(record, FIELDS, None)
        if own is not None:
            event = {"event": record.getMessage(), **get_contextvars(), **own}
        else:
            event = {**job_event(record), **get_contextvars()}
            if "request_id" not in event:
                # Django logs some answers after the middleware is left, with the request in hand.
                request = getattr(record, "request", None)
                event["request_id"] = getattr(request, "request_id", None)
                if event["request_id"] is None:
                    del event["request_id"]
        return clean_fields(event)

    def render(self, event: dict[str, Any], record: logging.LogRecord) -> str:
        """The event in this form."""
        raise NotImplementedError


class JsonFormatter(EventFormatter):
    """One JSON object a line (UTF-8)."""

    def render(self, event: dict[str, Any], record: logging.LogRecord) -> str:
        """The event, with its exceptions as a list, the outermost first."""
        if record.exc_info and record.exc_info[0] is not None:
            event[_TEXT_OF_EXCEPTION] = [
                {
                    "type": one["exc_type"],
                    "message": clean_text(one["exc_value"]),
                    "frames": [
                        f"{frame['filename']}:{frame['lineno']} {frame['name']}"
                        for frame in one["frames"]
                    ],
                }
                for one in _exceptions(record.exc_info)
            ]
        return _ENCODER.encode(event)


class ConsoleFormatter(EventFormatter):
    """A line for people, in colour on a terminal; a traceback follows, indented, so that it can't pass for an event."""

    def __init__(self) -> None:
        super().__init__()
        self._renderer = ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)

    def render(self, event: dict[str, Any], record: logging.LogRecord) -> str:
        """The event, and its traceback below."""
        line = self._renderer(None, "", event)
        if record.exc_info and record.exc_info[0] is not None:
            text = "".join(traceback.format_exception(*record.exc_info))
            line += "".join(f"\n    {clean_text(part)}" for part in text.splitlines())
        return line


#: What our modules' loggers are.
Logger = BoundLogger
