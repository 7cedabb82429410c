"""Which requests may be answered by the read replica, and how they can tell.

Only GET and HEAD may. Whoever has just changed something in the console reads the primary until the replica has caught
up, by a cookie; a program that wants what it has just written sends ``Cache-Control: no-cache``. An answer that came
from the replica says of which moment it is, in ``Data-As-Of``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from orgbilling.database.base import REPLICA
from orgbilling.lib.replica import visit
from orgbilling.web.responses import rfc3339

HEADER: Final = "Data-As-Of"
_SAFE: Final = frozenset({"GET", "HEAD"})
#: Besides the lag that is borne: what passes until it is measured, and the change's own transaction.
_MARGIN_SECONDS: Final = 3


class ReplicaMiddleware:
    """Gives safe requests leave to read the replica. Raises MiddlewareNotUsed where there is none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if REPLICA not in settings.DATABASES:
            raise MiddlewareNotUsed
        self.get_response = get_response
        prefix = "__Host-" if settings.SESSION_COOKIE_SECURE else ""
        self.cookie = f"{prefix}reads-primary"

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and say what it is of."""
        if request.method not in _SAFE:
            response = self.get_response(request)
            if settings.SESSION_COOKIE_NAME in request.COOKIES:
                self._remember(response)
            return response
        if self.cookie in request.COOKIES or _insists(request):
            return self.get_response(request)
        with visit() as leave:
            response = self.get_response(request)
        if leave.as_of is not None:
            response.headers[HEADER] = str(rfc3339(leave.as_of))
        return response

    def _remember(self, response: HttpResponseBase) -> None:
        response.set_cookie(
            self.cookie,
            "1",
            max_age=settings.REPLICA_MAX_LAG_SECONDS + _MARGIN_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def _insists(request: HttpRequest) -> bool:
    said = request.headers.get("Cache-Control", "").lower()
    return "no-cache" in said or "no-store" in said
