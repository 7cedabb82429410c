"""Cross-origin requests: corsheaders' answers, and for callers that name no origin no more than they need."""

from __future__ import annotations

from typing import Any

from corsheaders import middleware
from django.http import HttpRequest
from django.utils.cache import patch_vary_headers


class CorsMiddleware(middleware.CorsMiddleware):
    """Without an Origin an answer says only that one would matter, as corsheaders' own does."""

    def __call__(self, request: HttpRequest) -> Any:
        """Serve one request."""
        if "HTTP_ORIGIN" in request.META or request.method == "OPTIONS":
            return super().__call__(request)
        response: Any = self.get_response(request)
        if self.is_enabled(request):
            patch_vary_headers(response, ("origin",))
        return response
