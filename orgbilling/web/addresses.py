"""Where a request comes from: one answer for limits, logs and the audit, which nobody can forge.

Anyone can send an ``X-Forwarded-For``. It is read only when the peer, the machine at the other end of
the connection, is one of ``TRUSTED_PROXIES``, and only as far from the right as such machines wrote it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

Address = IPv4Address | IPv6Address

#: A peer that has no address, such as one on a Unix socket, or none that can be understood.
UNKNOWN: Final = "unknown"
#: What a subscriber is given of IPv6: every address in it is the same caller.
IPV6_PREFIX_LENGTH: Final = 64


def client_address(request: HttpRequest) -> str:
    """The caller's address in its shortest form, ``unknown`` when there is none."""
    address = _client(request)
    return UNKNOWN if address is None else str(address)


def budget_address(request: HttpRequest) -> str:
    """What is counted of the caller's address: all of IPv4, of IPv6 the network's first 64 bits."""
    address = _client(request)
    if address is None:
        return UNKNOWN
    if address.version == 4:
        return str(address)
    network = ip_network((address, IPV6_PREFIX_LENGTH), strict=False)
    return str(network.network_address)


def _client(request: HttpRequest) -> Address | None:
    peer = _parsed(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    if not forwarded or not _trusted(peer):
        return peer
    client = peer
    for hop in reversed(forwarded.split(",")):
        client = _parsed(hop.strip())
        if client is None:
            # Whoever wrote this is no proxy of ours: what stands left of it says nothing.
            return peer
        if not _trusted(client):
            return client
    return client


def _trusted(address: Address | None) -> bool:
    if address is None:
        return False
    return any(address in network for network in settings.TRUSTED_PROXIES)


@lru_cache(maxsize=4_096)
def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # One machine, one form: IPv4 in IPv6's clothes, and without the name of a network card.
        return address.ipv4_mapped or IPv6Address(address.packed)
    return address


def believe_scheme(request: HttpRequest) -> None:
    """Have a request be of the scheme that a trusted proxy says it came by."""
    told = request.META.get("HTTP_X_FORWARDED_PROTO", "")
    # The last word is the nearest proxy's.
    scheme = told.rpartition(",")[2].strip().lower()
    if scheme in {"http", "https"} and _trusted(_parsed(request.META.get("REMOTE_ADDR", ""))):
        # What the server would have put there if it had been asked by that scheme.
        request.META["wsgi.url_scheme"] = scheme


class ProxyMiddleware:
    """Lets a trusted proxy say that the request came to it by https, or by http.

    ``request.is_secure()`` is right afterwards. Without ``TRUSTED_PROXIES`` it isn't there at all.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.TRUSTED_PROXIES:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request under the scheme that its caller used."""
        believe_scheme(request)
        return self.get_response(request)
