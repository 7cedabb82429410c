"""The base of every API view: one short dispatch that answers in the order of the contract.

DRF's own dispatch checks permissions before throttles and the method last, and spends more on
negotiation and rendering than a deduct spends in the database; this one keeps DRF's authentication
classes and request, and replaces the rest.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework import exceptions as drf
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from orgbilling.lib.errors import NotFound
from orgbilling.web import body as bodies
from orgbilling.web import errors, suspicion, throttling
from orgbilling.web.addresses import budget_address
from orgbilling.web.negotiation import check_accept
from orgbilling.web.query import check_names, validated_query
from orgbilling.web.refusals import MethodNotAllowed, RateLimited
from orgbilling.web.responses import JSON

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
FORBIDDEN = 403
_SAFE = frozenset({"GET", "HEAD"})
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})

Handler = Callable[..., HttpResponseBase]


def shared(serializer: Callable[[], BaseSerializer[Any]]) -> BaseSerializer[Any]:
    """The one serializer of its class that validates for all requests and threads.

    Validating changes nothing in it, and making one copies every field: that costs more than validating a deduction.
    """
    return _made(serializer)


@cache
def _made(serializer: Callable[[], BaseSerializer[Any]]) -> BaseSerializer[Any]:
    return serializer()


def parse_id(text: str) -> uuid.UUID | None:
    """The UUID written in canonical form (RFC 9562, section 4), None for anything else."""
    return uuid.UUID(text) if _UUID.fullmatch(text) else None


class ApiView(APIView):
    """A view of the API; subclasses write ``get``, ``post``, … and ``authorize``.

    The order of answers: 401, 429, 403 (``authorize``), 405, 413, 415, 406, 404 for a malformed id
    in the path, then the handler. Handlers return ``orgbilling.web.responses.json_response`` and
    raise ``OrgBillingError``s; they read the body by ``self.body`` or ``self.validated`` and the
    query string by ``self.query``.
    """

    #: No sign-in needed, and none looked at.
    public: ClassVar[bool] = False
    #: Counted by the rate limits. Off only for what monitors poll.
    limited: ClassVar[bool] = True
    #: Calls by a service's API key count against ``RATE_LIMIT_SERVICE`` alone.
    service_budget: ClassVar[bool] = False
    #: The path's parameters that are UUIDs; None means all of them.
    path_ids: ClassVar[tuple[str, ...] | None] = None
    #: The largest body in bytes.
    max_body_bytes: ClassVar[int] = 256 * 1024
    #: The media type of a success.
    produces: ClassVar[str] = JSON

    # OPTIONS is answered by the CORS middleware or not at all.
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    # Authenticators keep no state between requests: one set per class serves every thread.
    _authenticators: ClassVar[tuple[BaseAuthentication, ...]]

    _count: throttling.Count | None = None
    _body: dict[str, Any] | None = None

    def authorize(self, request: Request) -> None:
        """Raise PermissionRefused when the caller may not do this; by default everyone signed in may.

        Called with the path's ids parsed in ``self.kwargs``, for methods that the view lacks as well
        (405 comes after 403), and not at all when an id is malformed (404 comes later).
        """

    def body(self, request: Request) -> dict[str, Any]:
        """The body as a JSON object, read and parsed once; ``{}`` when there is none.

        Raises:
            MalformedJson, ValidationRefused: 400.
        """
        if self._body is None:
            self._body = bodies.read_object(request._request, self.max_body_bytes)  # noqa: SLF001
        return self._body

    def validated(self, request: Request, serializer: type[BaseSerializer[Any]]) -> dict[str, Any]:
        """The body as ``serializer`` validates it, without a context.

        Raises:
            MalformedJson, UnknownField, rest_framework.exceptions.ValidationError: 400.
        """
        values: dict[str, Any] = shared(serializer).run_validation(self.body(request))
        return values

    def query(self, request: Request, serializer: type[BaseSerializer[Any]]) -> dict[str, Any]:
        """The query string as ``serializer`` validates it; ``page_size``, ``cursor`` and ``format`` aside.

        Raises:
            ValidationRefused, rest_framework.exceptions.ValidationError: 400, for a parameter that is
                unknown or given twice too.
        """
        return validated_query(request, serializer, {"request": request, "view": self})

    @classmethod
    def authenticators(cls) -> tuple[BaseAuthentication, ...]:
        """The class's authenticators; none for a public view."""
        if "_authenticators" not in cls.__dict__:
            kinds = () if cls.public else cls.authentication_classes
            cls._authenticators = tuple(kind() for kind in kinds)
        return cls._authenticators

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer one request; whatever happens, the answer is the API's."""
        self.args, self.kwargs = args, kwargs
        self.request = wrapped = Request(
            request,
            authenticators=self.authenticators(),
            negotiator=_NO_NEGOTIATION,
            parser_context={"view": self},
        )
        try:
            response = self._answer(wrapped)
        except Exception as exc:  # noqa: BLE001 - the boundary: nothing passes as HTML
            response = errors.handle(exc, {"view": self, "request": wrapped})
            if response.status_code == FORBIDDEN and not self.public:
                suspicion.report(suspicion.REFUSED, self._identity(wrapped))
        return self._finish(request, response)

    def _answer(self, request: Request) -> HttpResponseBase:
        self._authenticate(request)
        self._throttle(request)
        well_formed = self._parse_ids()
        if well_formed:
            self.authorize(request)
        method = request.method or ""
        handler: Handler | None = (
            getattr(self, method.lower(), None)
            if method.lower() in self.http_method_names
            else None
        )
        if handler is None:
            raise MethodNotAllowed(method, self.allowed_methods)
        plain = request._request  # noqa: SLF001
        bodies.check_size(plain, self.max_body_bytes)
        if method not in _BODILESS:
            bodies.check_media_type(plain)
        check_accept(plain.META.get("HTTP_ACCEPT"), self.produces)
        if not well_formed:
            raise NotFound
        return self._call(handler, request)

    def _call(self, handler: Handler, request: Request) -> HttpResponseBase:
        """Run the handler; a misspelt query parameter never changes what it does silently.

        Of a read the parameters' names are checked afterwards, because 404 comes before 400.
        """
        named = bool(request.META.get("QUERY_STRING"))
        known: frozenset[str] = getattr(handler, "query_names", frozenset())
        safe = request.method in _SAFE
        if named and not safe:
            check_names(request.query_params, known)
        response = handler(request, *self.args, **self.kwargs)
        if not isinstance(response, HttpResponseBase):
            message = f"{type(self).__name__} answered with {type(response).__name__}."
            raise ImproperlyConfigured(message)
        if named and safe:
            check_names(request.query_params, known)
        return response

    def _authenticate(self, request: Request) -> None:
        if self.public:
            return
        try:
            user = request.user
        except drf.AuthenticationFailed:
            self._tell_of_wrong_credentials(request)
            raise
        except drf.PermissionDenied:
            # A session without its CSRF token: whose it is, is known, and 429 comes before 403.
            self._count_of(request, getattr(request._request, "user", None), None)  # noqa: SLF001
            raise
        except drf.APIException:
            self._count_by_address(request, add=False)
            raise
        if not user.is_authenticated:
            self._count_by_address(request, add=False)
            raise drf.NotAuthenticated

    def _confirm(self, request: Request) -> None:
        """Have the authenticator look again, now that the request is counted, if it has something to look at."""
        confirm = getattr(request.successful_authenticator, "confirm", None)
        if confirm is None:
            return
        try:
            confirm(request)
        except drf.AuthenticationFailed:
            self._tell_of_wrong_credentials(request)
            raise

    def _tell_of_wrong_credentials(self, request: Request) -> None:
        address = budget_address(request._request)  # noqa: SLF001
        suspicion.report(suspicion.WRONG_CREDENTIALS, address)
        self._count_by_address(request, add=True)

    def _count_by_address(self, request: Request, *, add: bool) -> None:
        """Wrong credentials count per address; without any, only the headers are told."""
        if not self.limited:
            return
        plain = request._request  # noqa: SLF001
        budget = throttling.budget_of("GET", is_service=False)
        identity = throttling.address_identity(plain)
        self._count = throttling.count(budget, identity, add=add)
        if add and self._count is not None:
            self._count.enforce()

    def _throttle(self, request: Request) -> None:
        if self.public:
            self._count_of(request, None, None)
            return
        try:
            self._count_of(request, request.user, request.auth)
        except RateLimited:
            # 401 comes before 429: a key that was kept may have been revoked since.
            self._confirm(request)
            raise
        self._confirm(request)

    def _count_of(self, request: Request, user: Any, auth: Any) -> None:
        """Count the request as the caller's. Raises RateLimited, CountersUnavailable."""
        if not self.limited:
            return
        is_service = self.service_budget and getattr(auth, "is_service_key", False)
        self._count = throttling.count(
            throttling.budget_of(request.method, is_service=is_service),
            throttling.identity_of(user, auth, request._request),  # noqa: SLF001
        )
        if self._count is not None:
            self._count.enforce()

    @staticmethod
    def _identity(request: Request) -> str:
        """Whose request it is, as the limits name them."""
        return throttling.identity_of(request.user, request.auth, request._request)  # noqa: SLF001

    def _parse_ids(self) -> bool:
        """Parse the path's ids in place. Returns whether all are well formed."""
        for name in self.kwargs if self.path_ids is None else self.path_ids:
            parsed = parse_id(self.kwargs[name])
            if parsed is None:
                return False
            self.kwargs[name] = parsed
        return True

    def _finish(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        headers = response.headers
        headers["Cache-Control"] = "no-store"
        if self._count is not None:
            for name, value in self._count.headers.items():
                headers[name] = value
        if request.method == "HEAD":
            _strip(response)
        return response


class UnknownAddressView(ApiView):
    """Answers for every address below the API's that leads nowhere: 404, counted as any other request.

    Nobody has to sign in for it, since which addresses there are is public; wrong credentials are 401.
    """

    def _answer(self, request: Request) -> HttpResponseBase:
        with suppress(drf.NotAuthenticated):
            self._authenticate(request)
        self._throttle(request)
        raise NotFound("Nothing has this address; /api/docs lists what there is.")


def _strip(response: HttpResponseBase) -> None:
    """Keep what a GET would have said of the body, without the body (RFC 9110, 9.3.2)."""
    if isinstance(response, HttpResponse):
        response.headers["Content-Length"] = str(len(response.content))
        response.content = b""
    elif isinstance(response, StreamingHttpResponse):
        response.streaming_content = iter(())


class _NoNegotiation:
    """DRF's request insists on a negotiator; ours never asks one."""


_NO_NEGOTIATION: Any = _NoNegotiation()
