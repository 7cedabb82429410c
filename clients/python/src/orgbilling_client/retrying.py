"""When a call is sent again, and after how long. Pure: it neither waits nor sends."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from orgbilling_client.calls import Repeat
from orgbilling_client.errors import (
    ApiError,
    DatabaseUnavailable,
    OrgBillingError,
    RateLimited,
    RequestInProgress,
    TransportError,
)

#: Answers of gateways, and of the service when it can't do its work at the moment.
UNAVAILABLE = frozenset({502, 503, 504})
#: The service looks a key up before it refuses so: the answer tells what became of every attempt.
SETTLING = frozenset({400, 402, 404, 409, 422})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long a call is tried.

    Waits are drawn evenly from 0 to a bound that doubles from one to the next ("full jitter"), so that callers which
    failed together don't come back together. Where the service says ``Retry-After``, no wait is shorter.

    Args:
        attempts: how often a call is sent at most; 1 turns retries off.
        total_seconds: no attempt begins later than this after the first one, and none waits longer than what is left.
        first_wait_seconds: bound of the first wait.
        longest_wait_seconds: what that bound grows to.
        drawn: gives the share of the bound, from 0 to 1.
    """

    attempts: int = 6
    total_seconds: float = 60.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0
    drawn: Callable[[], float] = field(default=random.random, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts must be at least 1, not {self.attempts}.")
        if min(self.total_seconds, self.first_wait_seconds, self.longest_wait_seconds) < 0:
            raise ValueError("Seconds can't be negative.")

    def wait_seconds(self, attempt: int, retry_after: float | None) -> float:
        """Return how long to wait after this attempt (1 is the first)."""
        bound = min(
            self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** min(attempt - 1, 60)
        )
        if retry_after is None:
            return self.drawn() * bound
        return retry_after + self.drawn() * min(bound, self.first_wait_seconds)


@dataclass(frozen=True, slots=True)
class Retry:
    """What ``on_retry`` is told before each wait."""

    method: str
    path: str
    attempt: int
    wait_seconds: float
    error: OrgBillingError
    idempotency_key: str | None


class Attempts:
    """The attempts of one call: what is known of them, and whether there is another one.

    Args:
        started: the clock's seconds when the call began.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        repeat: Repeat,
        *,
        key: str | None,
        request_id: str,
        started: float,
    ) -> None:
        self._policy, self._repeat, self._key = policy, repeat, key
        self.request_id, self._started = request_id, started
        self._may_have_acted = False
        self.made = 0

    def seconds_left(self, now: float) -> float:
        """Return what is left of the policy's total."""
        return max(0.0, self._started + self._policy.total_seconds - now)

    def timeout(self, seconds: float, now: float) -> float:
        """Return how long the next attempt may wait: as it is set, and no longer than what is left of the total."""
        return min(seconds, self.seconds_left(now)) if self.made else seconds

    def wait_after(self, error: OrgBillingError, now: float) -> float | None:
        """Return how long to wait before the next attempt, or None when the error is to be raised.

        The error learns what a caller needs to go on: the key, and whether anything may have been done.
        """
        self.made += 1
        self._learn(error)
        error.attempts = self.made
        error.idempotency_key = self._key
        error.request_id = error.request_id or self.request_id
        error.may_have_acted = self._may_have_acted
        if not self._may_repeat(error) or self.made >= self._policy.attempts:
            return None
        wait = self._policy.wait_seconds(self.made, getattr(error, "retry_after", None))
        return wait if wait < self.seconds_left(now) else None

    def _learn(self, error: OrgBillingError) -> None:
        if self._repeat is Repeat.SAFE:
            return
        if settles(error):
            self._may_have_acted = False
        elif not did_nothing(error):
            self._may_have_acted = True

    def _may_repeat(self, error: OrgBillingError) -> bool:
        if not is_transient(error):
            return False
        return self._repeat is not Repeat.ONCE or did_nothing(error)


def is_transient(error: OrgBillingError) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(error, TransportError):
        return error.transient
    if isinstance(error, RequestInProgress | RateLimited):
        return True
    return isinstance(error, ApiError) and error.status in UNAVAILABLE


def did_nothing(error: OrgBillingError) -> bool:
    """Whether the attempt that ended so has certainly changed nothing."""
    if isinstance(error, TransportError):
        return not error.sent
    if isinstance(error, RequestInProgress):
        return False
    return isinstance(error, DatabaseUnavailable) or (
        isinstance(error, ApiError) and error.status < 500
    )


def settles(error: OrgBillingError) -> bool:
    """Whether the answer tells that no attempt with this key has acted, or will."""
    return (
        isinstance(error, ApiError)
        and error.code != ""
        and error.status in SETTLING
        and not isinstance(error, RequestInProgress)
    )
