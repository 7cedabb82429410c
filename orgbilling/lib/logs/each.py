"""One event of many at once, as every item of a batch has it: what its lines share is made once.

A record for each, its head, and looking through its values one by one cost more than charging an item does.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import structlog

from orgbilling.lib.logs.events import FIELDS, source_of
from orgbilling.lib.logs.handling import LineHandler


def info_each(
    bound_logger: structlog.stdlib.BoundLogger, event: str, **columns: Sequence[Any]
) -> None:
    """Log the event once for each value of the columns, in order, as ``logger.info(event, **fields)`` would.

    The lines are those, but for the moment, which all have in common. A handler that isn't ours gets a record for each.

    Args:
        columns: by the name of a field its values, as many of each. None isn't known and not said.

    Raises:
        ValueError: the columns differ in length.
    """
    source = source_of(bound_logger)
    if not source.isEnabledFor(logging.INFO):
        return
    handler = _only_handler(source)
    if handler is not None and handler.emit_each(_record(source, event), columns):
        return
    for values in list(zip(*columns.values(), strict=True)):
        bound_logger.info(event, **dict(zip(columns, values, strict=True)))


def _only_handler(source: logging.Logger) -> LineHandler | None:
    """The handler of everything that the logger says, if it is one alone, and ours; None otherwise."""
    found: list[logging.Handler] = []
    at: logging.Logger | None = source
    while at is not None:
        found += at.handlers
        at = at.parent if at.propagate else None
    if len(found) != 1 or source.filters:
        return None
    (handler,) = found
    if not isinstance(handler, LineHandler) or handler.level > logging.INFO:
        return None
    return handler


def _record(source: logging.Logger, event: str) -> logging.LogRecord:
    record = logging.LogRecord(source.name, logging.INFO, "", 0, event, None, None)
    setattr(record, FIELDS, {})
    return record
