"""The API's routes and their methods, asked of the resolver."""

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

BASE_ROUTE = "api/v1/org-billing/"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


def api_methods() -> dict[str, frozenset[str]]:
    """The methods that each route below the base path handles, HEAD aside, which follows GET."""
    found: dict[str, frozenset[str]] = {}
    for route, pattern in _patterns(get_resolver(), ""):
        if not route.startswith(BASE_ROUTE):
            continue
        view = getattr(pattern.callback, "view_class", None)
        assert view is not None, f"{route} is no class-based view: nobody knows its methods"
        name = readable(route)
        handled = {m for m in METHODS if m.lower() in view.http_method_names}
        mine = frozenset(m for m in handled if hasattr(view, m.lower()))
        assert name not in found, f"{name} is routed twice"
        found[name] = mine
    return found


def readable(route: str) -> str:
    """A route of the resolver as the contract writes it: `credits/{org_id}/add`."""
    return _PARAMETER.sub(r"{\1}", route.removeprefix(BASE_ROUTE))


def _patterns(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern, route)
        else:
            yield route, pattern
