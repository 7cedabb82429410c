"""``/problems/<code>``: what the ``type`` of a problem document leads to, a page for people."""

from __future__ import annotations

from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views import View

from orgbilling.web import errors
from orgbilling.web.problems import PROBLEMS

PAGE_CSP = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class ProblemPageView(View):
    """Explains one code of the catalogue; public."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Answer with the page.

        Raises:
            Http404: no such code.
        """
        problem = PROBLEMS.get(code)
        if problem is None:
            raise Http404
        response = render(
            request,
            "web/problem.html",
            {
                "code": code,
                "problem": problem,
                "phrase": HTTPStatus(problem.status).phrase,
                "meaning": _code_spans(problem.meaning),
                "remedy": _code_spans(problem.remedy),
            },
        )
        response["Content-Security-Policy"] = PAGE_CSP
        return response

    def http_method_not_allowed(  # type: ignore[override]
        self, request: HttpRequest, *args: object, **kwargs: object
    ) -> HttpResponseBase:
        """Answer 405 as the API does."""
        return errors.method_not_allowed(request.method, ("GET", "HEAD"))


def _code_spans(text: str) -> list[tuple[bool, str]]:
    """Split at backticks: ``(is code, text)``, for the template to mark up."""
    return [(index % 2 == 1, part) for index, part in enumerate(text.split("`"))]
