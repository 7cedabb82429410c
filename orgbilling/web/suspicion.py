"""Suspicious activity: counted where it is refused, told when it comes in a burst.

A refusal is counted in the store of the rate limits; past a kind's threshold a job tells whoever runs the service,
once for each subject and window. What isn't refused is never counted: it costs nothing.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Final

import structlog

from orgbilling.lib.jobs import defer
from orgbilling.web.counting import ask, increment
from orgbilling.web.refusals import CountersUnavailable

logger = structlog.stdlib.get_logger(__name__)

#: The task that tells; who is told is known to a higher floor.
TASK: Final = "organizations.tell_of_suspicion"
SUBJECT_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class Burst:
    """How many refusals of a kind, in how many seconds, are told."""

    count: int
    seconds: int


WRONG_CREDENTIALS: Final = "wrong_credentials"
REFUSED: Final = "refused"
DEAD_KEY: Final = "dead_key"
SIGN_IN: Final = "sign_in"

KINDS: Final = {
    # Of one address.
    WRONG_CREDENTIALS: Burst(count=20, seconds=600),
    # Of one key or person: 403.
    REFUSED: Burst(count=20, seconds=600),
    # Of one key that was revoked or has expired.
    DEAD_KEY: Burst(count=1, seconds=24 * 3600),
    # Of one address or account, each time that a limit of the console's door is reached.
    SIGN_IN: Burst(count=1, seconds=600),
}


def report(kind: str, subject: str) -> None:
    """Count one refusal of a subject; in a burst, ask for a notice. It never fails, and never refuses.

    Args:
        kind: of ``KINDS``.
        subject: who or where: an address, ``user:<id>``, ``key:<id>`` or the prefix of a key. No secret.
    """
    burst = KINDS[kind]
    window = int(time.time()) // burst.seconds
    named = "".join(c if c.isprintable() else "?" for c in subject[:SUBJECT_LENGTH])
    try:
        # A name that was typed is no key of a store.
        digest = hashlib.sha256(named.encode()).hexdigest()
        counted = ask(lambda: increment(f"suspicion:{kind}:{window}:{digest}", burst.seconds))
        if counted is None:
            return
        times, rest = divmod(counted, burst.count)
        # Again at twice, four times and so on: a process may be killed between the count and the job.
        if rest == 0 and times.bit_count() == 1:
            count = str(times * burst.count)
            defer(TASK, kind=kind, subject=named, count=count, window=str(window))
    except CountersUnavailable:
        # Logged once an outage, by orgbilling.web.counting; nobody waits for a silent store here either.
        return
    except Exception:
        # Redis or PostgreSQL: the answer that is being made says so better.
        logger.warning("suspicion.not_counted", kind=kind, exc_info=True)
