"""Two doors to the same service: a short one for calls by key or token, and Django's for everything else.

Whoever calls the API with a bearer credential needs no session, no token against forged forms, no messages and no
static files. The short door leaves out the middleware that serves those (`settings.API_MIDDLEWARE`) and Django's two
signals a request, whose work it does itself. All else is the very same: the other middleware, the addresses, the views
and with them authentication, limits, errors, logs and figures. What is unusual in any way takes Django's door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest, get_script_name
from django.db import close_old_connections
from django.http import HttpRequest
from django.urls import ResolverMatch, set_script_prefix
from django.utils.module_loading import import_string

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

API: Final = "/api/v1/"
#: With one of these headers a browser may be calling, for a person.
_OF_BROWSERS: Final = ("HTTP_COOKIE", "HTTP_ORIGIN")


def takes_short_door(call: Environ) -> bool:
    """Whether a request is a program's plain call of the API.

    The word Bearer decides who authenticates: with it a session is never asked for.
    """
    return (
        str(call.get("PATH_INFO", "")).startswith(API)
        and str(call.get("HTTP_AUTHORIZATION", "")).startswith("Bearer ")
        and call.get("REQUEST_METHOD") != "OPTIONS"
        and not any(name in call for name in _OF_BROWSERS)
    )


class Doors(WSGIHandler):
    """The WSGI application. ``API_SHORT_DOOR`` off: everything takes Django's door."""

    def __init__(self) -> None:
        super().__init__()
        self.short = ShortDoor() if settings.API_SHORT_DOOR else None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Any:
        """Answer one request."""
        if self.short is not None and takes_short_door(environ):
            return self.short(environ, start_response)
        return super().__call__(environ, start_response)


#: What Django calls of a middleware beside the middleware itself.
_HOOKS: Final = ("process_view", "process_exception", "process_template_response")


class ShortDoor(BaseHandler):
    """The chain of ``API_MIDDLEWARE`` around the same views.

    Raises:
        ImproperlyConfigured: one of them has a hook, which would be called at Django's door alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler: Any = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        for path in reversed(settings.API_MIDDLEWARE):
            try:
                made = import_string(path)(handler)
            except MiddlewareNotUsed:
                continue
            if any(hasattr(made, hook) for hook in _HOOKS):
                message = f"{path} has hooks around views: leave it out of API_MIDDLEWARE, or them out of it."
                raise ImproperlyConfigured(message)
            handler = convert_exception_to_response(made)
        self._middleware_chain = handler
        self._fixed: dict[str, ResolverMatch] = {}

    def resolve_request(self, request: HttpRequest) -> Any:
        """The view of an address; of one without parameters it is looked for once."""
        match = self._fixed.get(request.path_info)
        if match is None:
            match = super().resolve_request(request)
            if f"/{match.route}" == request.path_info:
                self._fixed[request.path_info] = match
        request.resolver_match = match
        return match

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        set_script_prefix(get_script_name(environ))
        try:
            response: Any = self.get_response(WSGIRequest(environ))
        except BaseException:
            close_old_connections()
            raise
        start = f"{response.status_code} {response.reason_phrase}"
        headers = [
            *response.items(),
            *(("Set-Cookie", morsel.output(header="")) for morsel in response.cookies.values()),
        ]
        if response.streaming:
            # Its connection is needed until its end: closing it tells Django.
            response._handler_class = type(self)  # noqa: SLF001
            start_response(start, headers)
            streamed: Iterable[bytes] = response
            return streamed
        for close in response._resource_closers:  # noqa: SLF001
            close()
        close_old_connections()
        caches.close_all()
        start_response(start, headers)
        return (response.content,)
