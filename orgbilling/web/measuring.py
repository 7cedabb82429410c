"""Counts every answer, whoever made it, when it is made: what a request changed is committed by then."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram

from orgbilling.web import metrics

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: What no address of ours answered: static files, unknown addresses, what a middleware refused.
OTHER: Final = "other"
_BAD_CREDENTIALS: Final = "authentication_failed"


def measured(
    request: HttpRequest, serve: Callable[[HttpRequest], HttpResponseBase]
) -> HttpResponseBase:
    """Serve one request and count it."""
    started = perf_counter()
    response = serve(request)
    measure(request, response, perf_counter() - started)
    return response


class MeasuringMiddleware:
    """Outside of all that may answer, so that every answer is counted once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request and count it."""
        return measured(request, self.get_response)


@cache
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Where an answer is counted; as many as there are series, which is bounded."""
    answers = metrics.REQUESTS.labels(method, route, status)
    return answers, metrics.DURATION.labels(route, method)


def measure(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Count one answer under its route, which is a pattern of ours and no caller's text."""
    match = request.resolver_match
    route = match.route if match is not None else OTHER
    method = request.method if request.method in METHODS else OTHER
    answers, durations = _series(method, route, response.status_code)
    answers.inc()
    durations.observe(seconds)
    code = getattr(response, "problem_code", None)
    if code is None:
        return
    metrics.REFUSALS.labels(code, route).inc()
    if code == _BAD_CREDENTIALS:
        metrics.LOGINS_REFUSED.labels(metrics.API).inc()
