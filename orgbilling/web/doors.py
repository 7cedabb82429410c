"""Two doors to the same service: a short one for calls by key or token, and Django's for everything else.

Whoever calls the API with a bearer credential needs no session, no token against forged forms, no messages and no
static files. The short door leaves out the middleware that serves those and Django's two signals a request, whose
work it does itself; what the other middleware does, it calls without the layers. All else is the very same: the
addresses, the views and with them authentication, limits, errors, logs and figures. What is unusual in any way takes
Django's door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final, cast

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest, get_script_name
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch, set_script_prefix

from orgbilling.database.taken import give_back
from orgbilling.web.addresses import believe_scheme
from orgbilling.web.admission import AdmissionMiddleware
from orgbilling.web.fixed_headers import FixedHeaders, missing
from orgbilling.web.measuring import measured
from orgbilling.web.plain_http import refusal
from orgbilling.web.replica import ReplicaMiddleware
from orgbilling.web.request_id import under_its_id
from orgbilling.web.request_log import told

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Serve = Callable[[HttpRequest], HttpResponseBase]

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


#: Of ``MIDDLEWARE``, what serves people in browsers.
FOR_BROWSERS: Final = frozenset(
    {
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    }
)
#: What says the same of every answer: asked once.
ASKED_ONCE: Final = (
    "django.middleware.security.SecurityMiddleware",
    "orgbilling.web.csp.PolicyMiddleware",
    "orgbilling.web.cors.CorsMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
#: What the short door calls itself. Of CommonMiddleware it needs the host's check and the length.
CALLED_HERE: Final = frozenset(
    {
        "orgbilling.web.request_id.RequestIdMiddleware",
        "orgbilling.web.addresses.ProxyMiddleware",
        "orgbilling.web.request_log.RequestLogMiddleware",
        "orgbilling.web.measuring.MeasuringMiddleware",
        "orgbilling.web.plain_http.PlainHttpMiddleware",
        "orgbilling.web.admission.AdmissionMiddleware",
        "orgbilling.web.replica.ReplicaMiddleware",
        "django.middleware.common.CommonMiddleware",
    }
)


def _guarded(serve: Serve) -> Serve:
    return cast("Serve", convert_exception_to_response(serve))


class ShortDoor(BaseHandler):
    """The same pieces as in ``MIDDLEWARE``, called one after the other, around the same views.

    Raises:
        ImproperlyConfigured: ``MIDDLEWARE`` has one of which nobody has said here whether the API needs it.
    """

    def __init__(self) -> None:
        super().__init__()
        unknown = set(settings.MIDDLEWARE) - FOR_BROWSERS - CALLED_HERE - set(ASKED_ONCE)
        if unknown:
            message = f"orgbilling.web.doors doesn't say whether the API needs {min(unknown)}."
            raise ImproperlyConfigured(message)
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._headers = FixedHeaders(ASKED_ONCE, API)
        self._proxied = bool(settings.TRUSTED_PROXIES)
        # Caches that have nothing to do at the end of a request, as most, needn't be asked.
        self._caches_close = any(
            type(caches[alias]).close is not BaseCache.close for alias in settings.CACHES
        )
        # Whatever fails is answered by Django's own answer, at the place where its chain would.
        self._viewed = _guarded(self._get_response)  # type: ignore[attr-defined]
        inner = _guarded(self._with_length)
        with suppress(MiddlewareNotUsed):
            inner = _guarded(ReplicaMiddleware(inner))
        self._admitted = _guarded(AdmissionMiddleware(inner))
        self._answered = _guarded(self._let_in)
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
        request = WSGIRequest(environ)
        try:
            response: Any = under_its_id(request, self._seen)
        except BaseException:
            give_back()
            raise
        start = f"{response.status_code} {response.reason_phrase}"
        # First: it may add to those that the answer has.
        fixed = missing(response, getattr(response, "fixed_headers", ()))
        headers = [
            *response.items(),
            *fixed,
            *(("Set-Cookie", morsel.output(header="")) for morsel in response.cookies.values()),
        ]
        response._resource_closers.append(request.close)  # noqa: SLF001
        if response.streaming:
            # Its connection is needed until its end: closing it tells Django.
            response._handler_class = type(self)  # noqa: SLF001
            start_response(start, headers)
            streamed: Iterable[bytes] = response
            return streamed
        for close in response._resource_closers:  # noqa: SLF001
            close()
        give_back()
        if self._caches_close:
            caches.close_all()
        start_response(start, headers)
        return (response.content,)

    def _seen(self, request: HttpRequest) -> HttpResponseBase:
        if self._proxied:
            believe_scheme(request)
        return told(request, self._measured)

    def _measured(self, request: HttpRequest) -> HttpResponseBase:
        return measured(request, self._answered)

    def _let_in(self, request: HttpRequest) -> HttpResponseBase:
        refused = refusal(request)
        if refused is not None:
            return refused
        response = self._admitted(request)
        response.fixed_headers = self._headers.of(request)  # type: ignore[attr-defined]
        return response

    def _with_length(self, request: HttpRequest) -> HttpResponseBase:
        # Raises DisallowedHost, which is 400.
        request.get_host()
        response: Any = self._viewed(request)
        if not response.streaming and not response.has_header("Content-Length"):
            response.headers["Content-Length"] = str(len(response.content))
        return cast("HttpResponseBase", response)
