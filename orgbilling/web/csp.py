"""Which content security policy an answer has: the console's pages run scripts of ours, the API's answers nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from csp.constants import HEADER, NONE, SELF
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponseBase

CONSOLE_PREFIX: Final = "/admin/"

#: Everything from this origin, and nothing inline: no style attribute, no handler, no evaluated text.
CONSOLE: Final[dict[str, list[str]]] = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "base-uri": [NONE],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
}

#: What is no page loads nothing. The documentation and the problem pages set their own.
ELSEWHERE: Final[dict[str, list[str]]] = {
    "default-src": [NONE],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [NONE],
}


class PolicyMiddleware:
    """Sets the policy of the console under its prefix, and the strictest one elsewhere; one that is set stays.

    The two are written once: an answer of the API waits for no more than a look at its path.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.console = build_policy(CONSOLE)
        self.elsewhere = build_policy(ELSEWHERE)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the policy."""
        response = self.get_response(request)
        is_console = request.path_info.startswith(CONSOLE_PREFIX)
        response.headers.setdefault(HEADER, self.console if is_console else self.elsewhere)
        return response
