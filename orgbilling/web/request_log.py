"""One line for every request: who asked for what, and what became of it."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.functional import LazyObject

from orgbilling.lib.logs.context import bound
from orgbilling.web.addresses import client_address

logger = structlog.stdlib.get_logger(__name__)

#: What monitors ask every few seconds: told at the level DEBUG, unless it fails.
PROBES: Final = frozenset({"health", "ready", "metrics"})
STATIC: Final = "static"
#: No address of ours: the path itself may hold anything, and is not logged.
UNKNOWN: Final = "unknown"
#: Refused because of who asks: worth a warning, and where they come from.
_SUSPICIOUS: Final = frozenset({401, 403, 429})
_ORG: Final = "log_org_id"


def note_organization(request: Any, org_id: UUID | None) -> None:
    """Have the line of the request, Django's or DRF's, name the organization that its body or its row is about."""
    setattr(getattr(request, "_request", request), _ORG, org_id)


def told(
    request: HttpRequest, serve: Callable[[HttpRequest], HttpResponseBase]
) -> HttpResponseBase:
    """Serve one request and log it; one that is streamed when its last byte is sent."""
    began = time.perf_counter()
    response = serve(request)
    # A file says its length, and is sent by the server itself.
    if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
        content: Iterable[bytes] = response.streaming_content  # type: ignore[assignment]
        response.streaming_content = _told_at_the_end(content, request, response, began)
    else:
        length = response.headers.get("Content-Length")
        _tell(request, response, began, int(length) if length else None)
    return response


class RequestLogMiddleware:
    """Inside the request's id, and outside of everything else: nothing is answered without a line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request and log it."""
        return told(request, self.get_response)


def _told_at_the_end(
    content: Iterable[bytes], request: HttpRequest, response: HttpResponseBase, began: float
) -> Iterator[bytes]:
    sent = 0
    try:
        for chunk in content:
            sent += len(chunk)
            yield chunk
    finally:
        # The context is the server's by now, no more the request's.
        with bound(request_id=getattr(request, "request_id", None)):
            _tell(request, response, began, sent)


def _tell(request: HttpRequest, response: HttpResponseBase, began: float, size: int | None) -> None:
    status = response.status_code
    route = _route(request)
    level = _level(status, route)
    if not logger.isEnabledFor(level):
        return
    kind, who = _principal(request)
    suspicious = status in _SUSPICIOUS
    logger.log(
        level,
        "request.finished",
        method=request.method,
        route=route,
        status=status,
        duration_ms=round(1000 * (time.perf_counter() - began), 1),
        bytes=size,
        principal_kind=kind,
        principal_id=who,
        org_id=_organization(request),
        code=getattr(response, "problem_code", None),
        replayed=True if "Idempotent-Replayed" in response.headers else None,
        client_address=client_address(request) if suspicious else None,
    )


def _level(status: int, route: str) -> int:
    if status >= 500:
        return logging.ERROR
    if status in _SUSPICIOUS:
        return logging.WARNING
    if route in PROBES or route == STATIC:
        return logging.DEBUG
    return logging.INFO


def _route(request: HttpRequest) -> str:
    """The pattern of the address: the ids in it are not what it is grouped by."""
    match = request.resolver_match
    if match is not None:
        return match.route
    return (
        STATIC if request.path_info.startswith(f"/{settings.STATIC_URL.lstrip('/')}") else UNKNOWN
    )


def _principal(request: HttpRequest) -> tuple[str | None, UUID | None]:
    """What kind of caller it is, and its id; of a session that nobody has asked for yet, nothing."""
    user = request.__dict__.get("_cached_user") or request.__dict__.get("user")
    if user is None or isinstance(user, LazyObject) or not user.is_authenticated:
        return None, None
    return getattr(user, "principal_kind", "user"), user.pk


def _organization(request: HttpRequest) -> UUID | None:
    noted: UUID | None = getattr(request, _ORG, None)
    if noted is not None or request.resolver_match is None:
        return noted
    value = request.resolver_match.kwargs.get("org_id")
    with contextlib.suppress(ValueError):
        return UUID(str(value)) if value else None
    return None
