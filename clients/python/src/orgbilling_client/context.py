"""The request id that is passed through: what a service was asked under, it asks the billing under."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from orgbilling_client.keys import new_key

logger = logging.getLogger("orgbilling_client")

#: What the service takes as ``X-Request-ID``; anything else it replaces.
USABLE: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")

_current: ContextVar[str | None] = ContextVar("orgbilling_request_id", default=None)


def current_request_id() -> str:
    """Return the request id of the context, or a new one where there is no context."""
    return _current.get() or new_key()


@contextmanager
def request_context(request_id: str | None = None) -> Iterator[str]:
    """Send one request id with every call made inside, by any client, in this thread or task.

    Args:
        request_id: 1 to 128 letters, digits and ``._:-``. Without one, or with one that the service wouldn't
            take (callers may send anything), a new one is made.

    Yields:
        The request id that is sent.
    """
    usable = request_id if request_id is not None and USABLE.fullmatch(request_id) else None
    if request_id is not None and usable is None:
        logger.info("A request id of another form was replaced: %.128r", request_id)
    chosen = usable or new_key()
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)
