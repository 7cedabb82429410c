"""Rate limits: who is counted, against which budget, and the headers that say what is left.

The headers follow draft-ietf-httpapi-ratelimit-headers; the counting is django-ratelimit's fixed
window on the cache alias ``counters``, one statement for all requests that come at the same time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest

from orgbilling.web import counting
from orgbilling.web.addresses import budget_address
from orgbilling.web.refusals import RateLimited

READ, WRITE, SERVICE = "read", "write", "service"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RATE = re.compile(r"(\d+)/(\d*)([smhd])")


class Budget(NamedTuple):
    """A policy and its rate as ``(requests, seconds)``; None is unlimited."""

    policy: str
    rate: tuple[int, int] | None


class Count(NamedTuple):
    """Where a caller stands in the current window."""

    policy: str
    limit: int
    window_seconds: int
    used: int
    seconds_left: int

    @property
    def headers(self) -> dict[str, str]:
        """``RateLimit-Policy`` and ``RateLimit``."""
        left = max(0, self.limit - self.used)
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.limit};w={self.window_seconds}',
            "RateLimit": f'"{self.policy}";r={left};t={self.seconds_left}',
        }

    def enforce(self) -> None:
        """Raise RateLimited when this request was one too many."""
        if self.used > self.limit:
            raise RateLimited(self.policy, self.limit, self.window_seconds, self.seconds_left)


@lru_cache(maxsize=32)
def parse_rate(rate: str) -> tuple[int, int] | None:
    """``"20/m"`` as ``(20, 60)``; an empty string is no limit.

    Raises:
        ValueError: the rate can't be understood.
    """
    if not rate:
        return None
    match = _RATE.fullmatch(rate)
    if match is None or match[2] == "0":
        message = f"{rate!r} is not a rate such as 20/m."
        raise ValueError(message)
    requests, multiple, period = match.groups()
    return int(requests), int(multiple or 1) * _PERIODS[period]


def budget_of(method: str | None, *, is_service: bool) -> Budget:
    """The budget that a request counts against."""
    if is_service:
        return Budget(SERVICE, parse_rate(settings.RATE_LIMIT_SERVICE))
    if method in _SAFE:
        return Budget(READ, parse_rate(settings.RATE_LIMIT_READS))
    return Budget(WRITE, parse_rate(settings.RATE_LIMIT_WRITES))


def identity_of(user: Any, auth: Any, request: HttpRequest) -> str:
    """Who is counted: the API key, else the user, else the address."""
    own: str | None = getattr(auth, "throttle_identity", None)
    if own is not None:
        return own
    if user is not None and user.is_authenticated:
        return f"user:{user.pk}"
    return address_identity(request)


def address_identity(request: HttpRequest) -> str:
    """Who is counted when nobody is known."""
    return f"ip:{budget_address(request)}"


def count(budget: Budget, identity: str, *, add: bool = True) -> Count | None:
    """Count the request (or, without ``add``, only look) and say where the caller stands.

    Returns:
        None when the budget is unlimited, or nobody can count and that is no reason to refuse.

    Raises:
        CountersUnavailable: nobody can count, and ``RATE_LIMIT_FAIL`` is ``closed``.
    """
    rate = budget.rate
    if rate is None:
        return None
    usage = counting.ask(lambda: counting.usage(budget.policy, rate, identity, add=add))
    if usage is None:
        return None
    return Count(budget.policy, *rate, usage.used, usage.seconds_left)
