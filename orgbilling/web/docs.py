"""The API's description (``/api/schema``) and the pages to read and try it (``/api/docs``), without any CDN."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from orgbilling.web import errors
from orgbilling.web.negotiation import quality, ranges_of
from orgbilling.web.refusals import FieldError, ValidationRefused
from orgbilling.web.views import ApiView

YAML: Final = "application/yaml"
JSON: Final = "application/json"
_RENDERERS: Final = {YAML: OpenApiYamlRenderer, JSON: OpenApiJsonRenderer}
_FORMATS: Final = {"yaml": YAML, "json": JSON}

#: Everything from this origin. Swagger UI sets style attributes and shows its icons from data: URLs.
DOCS_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@lru_cache(maxsize=len(_RENDERERS))
def rendered_schema(media: str) -> bytes:
    """The OpenAPI document as YAML or JSON; made once per process, because making it takes a second."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    rendered = _RENDERERS[media]().render(document, media, renderer_context={})
    return rendered if isinstance(rendered, bytes) else rendered.encode()


class SchemaView(ApiView):
    """OpenAPI 3.1 of the whole API: YAML, or JSON when ``Accept`` or ``?format=json`` asks for it."""

    public = True
    limited = False
    produces = YAML

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponseBase:
        """Answer with the document."""
        media = _wanted(request)
        return HttpResponse(rendered_schema(media), content_type=media, headers={"Vary": "Accept"})

    get.query_names = frozenset({"format"})  # type: ignore[attr-defined]


def _wanted(request: Request) -> str:
    if "format" in request.query_params:
        media = _FORMATS.get(request.query_params["format"])
        if media is None:
            wrong: FieldError = {"field": "format", "code": "invalid", "detail": "yaml or json."}
            raise ValidationRefused([wrong])
        return media
    ranges = ranges_of(request.META.get("HTTP_ACCEPT", ""))
    return JSON if quality(JSON, ranges) > quality(YAML, ranges) else YAML


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI from this origin, under a content security policy without inline scripts."""

    authentication_classes = []
    permission_classes = []
    template_name = "web/docs.html"
    http_method_names = ["get", "head"]

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with the page, or with its script when ``?script`` asks for it."""
        response: Response = super().get(request, *args, **kwargs)
        response["Content-Security-Policy"] = DOCS_CSP
        return response

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer 405 as the API does."""
        return errors.method_not_allowed(request.method, self.allowed_methods)
