"""Plain HTTP in production: programs are refused, browsers are sent to https by Django.

A program that follows a redirect has sent its key in the clear already, and would go on doing so unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from orgbilling.web.errors import problem_response

PROGRAMS: Final = ("/api/", "/webhooks/")
DETAIL: Final = (
    "This address is served over https only. Whatever key or token this request carried was sent in the clear: "
    "replace it."
)


def refusal(request: HttpRequest) -> HttpResponseBase | None:
    """The answer to a program's call over plain HTTP; None to every other request."""
    refuse = settings.SECURE_SSL_REDIRECT and request.path_info.startswith(PROGRAMS)
    if refuse and not request.is_secure():
        return problem_response("permission_denied", DETAIL)
    return None


class PlainHttpMiddleware:
    """Answers 403 to a program's call over plain HTTP, while ``SECURE_SSL_REDIRECT`` is on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve what came over https."""
        return refusal(request) or self.get_response(request)
