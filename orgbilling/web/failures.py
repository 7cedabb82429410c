"""Django's own error views: what fails before or outside a view of ours is a problem document too.

Named in the root URLconf (``handler400`` and so on) and in ``CSRF_FAILURE_VIEW``. The administration
site keeps Django's pages: people read them.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template import loader
from django.views import defaults
from django.views.csrf import csrf_failure as django_csrf_failure

from orgbilling.lib.errors import DatabaseUnavailable
from orgbilling.web.errors import (
    STATUS,
    Trouble,
    discard_if_lost,
    handle,
    problem_response,
    understand,
)
from orgbilling.web.problems import PROBLEMS
from orgbilling.web.views import UnknownAddressView

PAGES_PREFIX: Final = "/admin/"
API_PREFIX: Final = "/api/"

_unknown_address = UnknownAddressView.as_view()


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refuses by itself: a foreign Host header, too much or broken form data."""
    if _wants_page(request):
        return defaults.bad_request(request, exception)
    return handle(exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    if _wants_page(request):
        return defaults.permission_denied(request, exception)
    return handle(PermissionDenied())


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 404, without a sign-in: that an address exists at all is in the public documentation."""
    if _wants_page(request):
        return defaults.page_not_found(request, exception)
    if request.path_info.startswith(API_PREFIX):
        return _unknown_address(request)
    return handle(Http404())


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 when it was the database that could not be reached."""
    # Django logs the failure and calls this inside its except clause, but doesn't pass the exception.
    exc = sys.exc_info()[1]
    if exc is None:
        trouble = Trouble("internal_error", PROBLEMS["internal_error"].meaning)
    else:
        trouble = understand(exc)
        discard_if_lost(trouble)
    return _failed(request, trouble)


def unavailable(request: HttpRequest, exc: DatabaseUnavailable) -> HttpResponse:
    """Answer 503 to a request that nobody has begun to serve, nor the middleware that tells an answer's length."""
    answer = _failed(request, understand(exc))
    answer.headers["Content-Length"] = str(len(answer.content))
    return answer


def _failed(request: HttpRequest, trouble: Trouble) -> HttpResponse:
    if not _wants_page(request):
        return problem_response(
            trouble.code, trouble.detail, extra=trouble.extra, headers=trouble.headers
        )
    if STATUS[trouble.code] != HTTPStatus.SERVICE_UNAVAILABLE:
        return defaults.server_error(request)
    # Without the request: whatever a context processor would ask for is not to be had.
    page = loader.render_to_string("503.html")
    headers = {"Cache-Control": "no-store", **trouble.headers}
    return HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a session's write without its CSRF token: 403."""
    if _wants_page(request):
        return django_csrf_failure(request, reason)
    return problem_response("permission_denied", "The CSRF token is missing or wrong.")


def _wants_page(request: HttpRequest) -> bool:
    return request.path_info.startswith(PAGES_PREFIX)
