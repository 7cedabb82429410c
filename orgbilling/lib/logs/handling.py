"""The one handler: each event to the writer, as a line."""

from __future__ import annotations

import logging

from orgbilling.env import env_str
from orgbilling.lib.logs.libraries import DJANGO_REQUEST
from orgbilling.lib.logs.rendering import Columns, EventFormatter, JsonFormatter, PlainFormatter
from orgbilling.lib.logs.writing import STDERR, LineWriter


class LineHandler(logging.Handler):
    """Hands each event to the writer as a line. Never raises: nothing that is logged may fail because of it."""

    def __init__(self, formatter: EventFormatter, writer: LineWriter = STDERR) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._formatter = formatter
        self._writer = writer

    def createLock(self) -> None:  # noqa: N802 - the standard library's name
        """Have none: the writer has an order of its own."""
        self.lock = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out what Django says of an answer that is no failure of its own: ``request.finished`` says more."""
        return record.name != DJANGO_REQUEST or (
            bool(record.exc_info) and record.levelno >= logging.ERROR
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Write the event, and before it how many were dropped."""
        self._tell_dropped()
        self._put(record)

    def emit_each(self, record: logging.LogRecord, columns: Columns) -> bool:
        """Write the event once for each value of its columns, or nothing: False when this form can't."""
        lines = self._formatter.format_each(record, columns)
        if lines is None:
            return False
        self._tell_dropped()
        self._writer.put_each(lines)
        return True

    def _tell_dropped(self) -> None:
        dropped = self._writer.take_dropped()
        if dropped:
            self._put(_dropped_record(dropped))

    def _put(self, record: logging.LogRecord) -> None:
        self._writer.put((self.format(record) + "\n").encode("utf-8", "backslashreplace"))


def _dropped_record(count: int) -> logging.LogRecord:
    record = logging.LogRecord(__name__, logging.WARNING, "", 0, "logs.dropped", None, None)
    record.event_fields = {"count": count}
    return record


def server_handler() -> LineHandler:
    """The same for the web server's first process, which reads no settings and should be there at once."""
    is_json = env_str("LOG_FORMAT", default="json") == "json"
    return LineHandler(JsonFormatter() if is_json else PlainFormatter())
