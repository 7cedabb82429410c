"""An event as a line: made of the records that come from every logger, ours and the libraries'."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from orgbilling.lib.logs.context import bound_fields
from orgbilling.lib.logs.events import FIELDS
from orgbilling.lib.logs.exceptions import described
from orgbilling.lib.logs.libraries import library_event
from orgbilling.lib.logs.redacting import are_clean, clean_fields, clean_text, is_secret_name

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_OFFSET: Final = len("+00:00")
_NONE: Final = {type(None)}
#: Of events of one kind, the values of each field, as many of each.
Columns = Mapping[str, Sequence[Any]]


class EventFormatter(logging.Formatter):
    """What all forms share: an event's fields, in an order for reading, and nothing in them that mustn't be."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        try:
            return self.render({**head(record), **clean_fields(fields(record))}, record)
        except Exception as failure:  # noqa: BLE001 - an event that can't be told is told of
            unreadable = {
                "event": "logs.unreadable",
                "error": type(failure).__name__,
                "place": clean_text(f"{record.pathname}:{record.lineno}"),
            }
            return _ENCODER.encode(head(record) | unreadable)

    def render(self, event: dict[str, Any], record: logging.LogRecord) -> str:
        """The event in this form."""
        raise NotImplementedError

    def format_each(self, record: logging.LogRecord, columns: Columns) -> list[bytes] | None:
        """The lines, with their ends, of events that differ in these fields alone; None: each has to come by itself."""
        return None


class JsonFormatter(EventFormatter):
    """One JSON object a line."""

    def render(self, event: dict[str, Any], record: logging.LogRecord) -> str:
        """The event, with its exceptions as a list."""
        if record.exc_info and record.exc_info[1] is not None:
            event["exception"] = described(record.exc_info[1])
        try:
            return orjson.dumps(event).decode()
        except orjson.JSONEncodeError:
            # An integer of more than 64 bits.
            return _ENCODER.encode(event)

    def format_each(self, record: logging.LogRecord, columns: Columns) -> list[bytes] | None:
        """The lines, if every field has all of its values or none, and nothing in them has to be cleaned."""
        told = {name: values for name, values in columns.items() if set(map(type, values)) != _NONE}
        shared = {**head(record), **clean_fields(fields(record))}
        if (
            not told
            or not shared.keys().isdisjoint(told)
            or any(is_secret_name(name) or not are_clean(values) for name, values in told.items())
        ):
            return None
        start = orjson.dumps(shared)[:-1] + b","
        try:
            return [
                start + orjson.dumps(dict(zip(told, row, strict=True)))[1:] + b"\n"
                for row in zip(*told.values(), strict=True)
            ]
        except orjson.JSONEncodeError:
            return None


class PlainFormatter(EventFormatter):
    """A line for people, of a program that has little to say."""

    def render(self, event: dict[str, Any], record: logging.LogRecord) -> str:
        """When, how bad, and what."""
        return f"{event['timestamp']} [{event['level']:<8}] {event['event']}"


def head(record: logging.LogRecord) -> dict[str, Any]:
    """When, how bad, and who says so."""
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
    return {
        "timestamp": moment[:-_OFFSET] + "Z",
        "level": record.levelname.lower(),
        "logger": clean_text(record.name),
    }


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """The event's name, the request or job that it belongs to, and its own fields."""
    own: dict[str, Any] | None = getattr(record, FIELDS, None)
    if own is not None:
        return {"event": record.getMessage(), **bound_fields(), **own}
    event = {**library_event(record), **bound_fields()}
    # Django logs some answers after the middleware is left, with the request in hand.
    request_id = getattr(getattr(record, "request", None), "request_id", None)
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event
