"""`GET /metrics`: for whoever has the token, or for programs on this machine when there is none."""

from __future__ import annotations

import ipaddress
from secrets import compare_digest
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from orgbilling.metrics.exposition import CONTENT_TYPE, exposition
from orgbilling.web.errors import REALM, method_not_allowed, problem_response

#: What a proxy adds. With one of them the peer is the proxy, and says nothing of who asks.
FORWARDED: Final = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
    "HTTP_VIA",
)
WITHOUT: Final = (
    "Send `Authorization: Bearer` with the token that METRICS_TOKEN sets for this service."
)
WRONG: Final = "The token is not the one that METRICS_TOKEN sets for this service."
NOT_LOCAL: Final = (
    "Without a token, metrics are told to programs on this machine alone, and to no proxy. "
    "Set METRICS_TOKEN for the service, and send it with `Authorization: Bearer`."
)


@csrf_exempt
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus's text format. Asks no session, counts against no rate limit."""
    refused = _refused(request)
    if refused is not None:
        return refused
    if request.method not in {"GET", "HEAD"}:
        return method_not_allowed(request.method, ("GET", "HEAD"))
    return HttpResponse(
        exposition(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"}
    )


def _refused(request: HttpRequest) -> HttpResponse | None:
    """Return the refusal of who may not read; None when they may."""
    if not settings.METRICS_TOKEN:
        return None if _is_local(request) else problem_response("permission_denied", NOT_LOCAL)
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    challenge = f'Bearer realm="{REALM}"'
    if scheme.lower() != "bearer":
        headers = {"WWW-Authenticate": challenge}
        return problem_response("not_authenticated", WITHOUT, headers=headers)
    if compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode()):
        return None
    headers = {"WWW-Authenticate": f'{challenge}, error="invalid_token"'}
    return problem_response("authentication_failed", WRONG, headers=headers)


def _is_local(request: HttpRequest) -> bool:
    """Whether the peer of the connection itself is this machine."""
    if any(name in request.META for name in FORWARDED):
        return False
    try:
        peer = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    return (mapped or peer).is_loopback
