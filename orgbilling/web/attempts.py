"""Attempts to sign in to the console: counted before they are judged, given back when they succeed.

Counting first keeps the limits exact however many guesses come at once; giving back makes them limits
of failures. What is counted of an account is the name that was typed, whether or not there is one.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest

from orgbilling.web import counting, suspicion
from orgbilling.web.addresses import budget_address
from orgbilling.web.refusals import CountersUnavailable
from orgbilling.web.throttling import parse_rate

logger = structlog.stdlib.get_logger(__name__)

PAIR: Final = "LOGIN_LIMIT_PAIR"
ADDRESS: Final = "LOGIN_LIMIT_ADDRESS"
ACCOUNT: Final = "LOGIN_LIMIT_ACCOUNT"
SIGN_ON: Final = "LOGIN_LIMIT_SIGN_ON"
#: The settings' names, which are the limits' as well.
LIMITS: Final = (PAIR, ADDRESS, ACCOUNT, SIGN_ON)
#: From where somebody has signed in stays known for so long: strangers can't shut them out there.
KNOWN_SECONDS: Final = 30 * 24 * 3600


class TooManyAttempts(Exception):
    """One of the limits is reached; nothing was judged.

    Args:
        limit: the setting that says how many.
        until: when the window ends and attempts are taken again.
    """

    def __init__(self, limit: str, until: datetime, seconds_left: int) -> None:
        super().__init__(limit)
        self.limit, self.until, self.seconds_left = limit, until, seconds_left


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that may be judged now, with the counters that it is counted in."""

    pair: str | None
    others: tuple[str, ...]
    known: str | None

    def succeeded(self) -> None:
        """Forget the pair's failures, take this attempt off the others, know the address from now on.

        A store that fails now changes nothing about the sign-in.
        """
        with suppress(CountersUnavailable):
            counting.ask(self._settle)

    def _settle(self) -> None:
        cache = caches["counters"]
        if self.known is not None:
            cache.set(self.known, 1, KNOWN_SECONDS)
        if self.pair is not None:
            cache.delete(self.pair)
        for key in self.others:
            # It may have expired by now.
            with suppress(ValueError):
                cache.decr(key)


def attempt(request: HttpRequest, account: str) -> Attempt:
    """Count an attempt to sign in to ``account``, folded as accounts are compared.

    One limit after the other: what one refuses costs nothing of the next, so that nobody can use up
    an account's attempts by those that were never judged.

    Raises:
        TooManyAttempts: it must not be judged.
        CountersUnavailable: it can't be counted, and ``RATE_LIMIT_FAIL`` is ``closed``.
    """
    address = budget_address(request)
    pair = _spend(PAIR, account, address)
    others = [_spend(ADDRESS, address)]
    known = None
    if getattr(settings, ACCOUNT):
        known = _key("known", account, address)
        if not _is_there(known):
            others.append(_spend(ACCOUNT, account))
    return Attempt(pair, tuple(key for key in others if key is not None), known)


def begin_sign_on(request: HttpRequest) -> None:
    """Count a single sign-on that is begun; whether it succeeds is the provider's to say.

    Raises:
        TooManyAttempts, CountersUnavailable: as ``attempt``.
    """
    _spend(SIGN_ON, budget_address(request))


def _spend(limit: str, *identity: str) -> str | None:
    """Count one against a limit; return the counter's key, None when there is none."""
    rate = parse_rate(getattr(settings, limit))
    if rate is None:
        return None
    allowed, seconds = rate
    now = int(time.time())
    ends = now - now % seconds + seconds
    key = _key(limit, str(rate), str(ends), *identity)
    used = counting.ask(lambda: counting.increment(key, seconds))
    if used is not None and used > allowed:
        if used == allowed + 1:
            logger.warning("sign_in.limited", limit=limit)
            # Once a window: of the name that was typed only when many addresses tried it.
            subject = identity[0] if limit == ACCOUNT else identity[-1]
            suspicion.report(suspicion.SIGN_IN, subject)
        raise TooManyAttempts(limit, datetime.fromtimestamp(ends, UTC), ends - now)
    return key


def _is_there(key: str) -> bool:
    return bool(counting.ask(lambda: caches["counters"].get(key)))


def _key(*parts: str) -> str:
    """A counter's key: nobody's name or address can be read from it, and it is short."""
    # Half of a surrogate pair can't be encoded, and is nobody's name.
    joined = "\0".join(parts).encode(errors="replace")
    return f"sign-in:{hashlib.sha256(joined).hexdigest()}"
