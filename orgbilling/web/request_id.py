"""Request ids: taken from the caller when harmless, otherwise made; echoed, logged and stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

from django.http import HttpRequest, HttpResponseBase

from orgbilling.lib.ids import uuid7
from orgbilling.lib.logs.context import bound

HEADER: Final = "X-Request-ID"
# No control characters, no spaces, no quotes: safe in a header, a log line and a CSV cell.
PATTERN: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")

_current: ContextVar[str] = ContextVar("request_id", default="-")


def current_request_id() -> str:
    """The id of the request that this thread serves, ``-`` outside of one."""
    return _current.get()


def accepted_request_id(offered: str | None) -> str:
    """``offered`` when it matches the pattern of the contract, a new id otherwise."""
    if offered is not None and PATTERN.fullmatch(offered):
        return offered
    return uuid7().hex


def under_its_id(
    request: HttpRequest, serve: Callable[[HttpRequest], HttpResponseBase]
) -> HttpResponseBase:
    """Serve a request under its id, which the answer and every line meanwhile say."""
    request_id = accepted_request_id(request.META.get("HTTP_X_REQUEST_ID"))
    request.request_id = request_id  # type: ignore[attr-defined]
    token = _current.set(request_id)
    try:
        with bound(request_id=request_id):
            response = serve(request)
    finally:
        _current.reset(token)
    response.headers[HEADER] = request_id
    return response


class RequestIdMiddleware:
    """Outermost, so that answers made by any other middleware carry the id too.

    Sets ``request.request_id``, answers with ``X-Request-ID``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request under its id."""
        return under_its_id(request, self.get_response)
