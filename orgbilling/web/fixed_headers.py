"""Headers that middleware gives every answer of the API alike: asked for once, and written from then on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string

Headers = Sequence[tuple[str, str]]


class FixedHeaders:
    """What a chain of middleware adds to a bare answer.

    Args:
        middleware: their paths, the outermost first. Of a request they may look at its scheme and its path only.
        path: any of those that are meant.
    """

    def __init__(self, middleware: Sequence[str], path: str) -> None:
        handler: Callable[[HttpRequest], HttpResponseBase] = _bare
        for one in reversed(middleware):
            handler = import_string(one)(handler)
        self._handler, self._path = handler, path
        self._asked: dict[str, Headers] = {}

    def of(self, request: HttpRequest) -> Headers:
        """Those of an answer to this request."""
        scheme = request.scheme or ""
        found = self._asked.get(scheme)
        if found is None:
            # With a scheme's first request: where all must come by https, nothing may be asked for by http.
            found = tuple(self._handler(_Asking(self._path, scheme)).items())
            self._asked[scheme] = found
        return found


def missing(response: HttpResponseBase, fixed: Headers) -> Headers:
    """Those of the fixed headers that an answer hasn't set itself; Vary has what both say."""
    own = response.headers
    for name, value in fixed:
        if name == "Vary" and name in own:
            patch_vary_headers(response, value.split(", "))
    return [one for one in fixed if one[0] not in own]


def _bare(_request: HttpRequest) -> HttpResponse:
    answer = HttpResponse()
    del answer["Content-Type"]
    return answer


class _Asking(HttpRequest):
    """A request by a scheme, of which nothing else is known."""

    def __init__(self, path: str, scheme: str) -> None:
        super().__init__()
        self.method, self.path, self.path_info, self._by = "GET", path, path, scheme

    def _get_scheme(self) -> str:
        return self._by
