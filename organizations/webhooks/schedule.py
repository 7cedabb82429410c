"""When a delivery is tried, and how long an endpoint that fails is left alone."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Final

#: Before each attempt: after the event, and then after the attempt before. The Standard Webhooks' own.
SCHEDULE: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
#: Each pause is longer or shorter by up to this part of it, so that what failed together isn't tried together.
JITTER: Final = 0.2
#: The longest pause that an endpoint may ask for by Retry-After.
LONGEST_WAIT: Final = timedelta(hours=24)
#: An endpoint that has failed everything for so long is disabled.
FAILING_FOR: Final = timedelta(days=5)
#: From so many failures in a row on an endpoint rests between attempts, whatever waits for it: it must not use up
#: the time of the others. Twice as long each time, up to the longest rest.
FAILURES_BEFORE_REST: Final = 3
FIRST_REST: Final = timedelta(seconds=5)
LONGEST_REST: Final = timedelta(minutes=5)
#: An answer's Retry-After lets the whole endpoint rest, at most for so long.
LONGEST_ASKED_REST: Final = timedelta(hours=1)


def pause_after(step: int, *, asked: timedelta | None = None) -> timedelta | None:
    """How long to wait before the next attempt; None: that was the last.

    Args:
        step: attempts made by this schedule, at least 1.
        asked: what the answer's Retry-After said; waited for when it is longer, up to `LONGEST_WAIT`.
    """
    if step >= len(SCHEDULE):
        return None
    planned: timedelta = SCHEDULE[step] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
    return max(planned, min(asked or timedelta(0), LONGEST_WAIT))


def rest_after(failures: int) -> timedelta:
    """How long an endpoint is left alone after so many failures in a row; 0 for the first few."""
    if failures < FAILURES_BEFORE_REST:
        return timedelta(0)
    rest: timedelta = FIRST_REST * 2 ** min(failures - FAILURES_BEFORE_REST, 16)
    return min(rest, LONGEST_REST)
