"""Charges that are asked for at the same time are made in one statement, with one commit for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection

from credits import metrics
from credits.functions import Charge, Charged
from credits.models import Usage
from orgbilling.lib import clock
from orgbilling.lib.coalescing import Bounds, Coalescer
from orgbilling.lib.transactions import call, call_for_many

#: Statements on their way at the same time in one process: while one commits, the next gathers.
ABREAST: Final = 1
#: How long a charge waits for the statement before its own. Many times what one takes; far less than anybody notices.
PATIENCE_SECONDS: Final = 0.05
#: How long a statement for many waits for a lock. What is locked for longer, each waits for alone.
LOCK_PATIENCE_MS: Final = 100
#: What a statement may take longer than the wait for a connection and PostgreSQL's limit, until it is given up: for its
#: answer to arrive.
GRACE_SECONDS: Final = 5

#: A charge and the id of its usage row.
Wanted = tuple[Charge, UUID]


def charge(wanted: Charge, usage_id: UUID) -> Charged:
    """Charge the ordinary way, together with others that ask for it now; ``needs_pool`` has changed nothing.

    Inside a caller's transaction, under a simulated clock, and where COALESCE_DEDUCTS is off, it is charged alone.

    Raises:
        KeyClaimed, AmountOutOfRange: see ``functions.deduct_credits``.
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions.call``.
    """
    if not settings.COALESCE_DEDUCTS or connection.in_atomic_block or clock.is_simulated():
        return _alone((wanted, usage_id))
    return _coalescer().do((wanted, usage_id))


@cache
def _coalescer() -> Coalescer[Wanted, Charged]:
    """The one of this process."""
    longest_seconds = settings.DB_POOL_TIMEOUT_SECONDS + settings.DB_STATEMENT_TIMEOUT_MS / 1000
    bounds = Bounds(
        most=settings.COALESCE_DEDUCTS_MAX,
        waiting=settings.COALESCE_DEDUCTS_MAX,
        abreast=ABREAST,
        patience_seconds=PATIENCE_SECONDS,
        end_seconds=longest_seconds + GRACE_SECONDS,
    )
    return Coalescer(
        alone=_alone,
        together=_together,
        place=_allocation,
        tell=metrics.apart,
        bounds=bounds,
    )


def _alone(one: Wanted) -> Charged:
    wanted, usage_id = one
    return call(lambda: Usage.objects.charge(wanted, usage_id=usage_id))


def _together(many: Sequence[Wanted]) -> list[Charged | None]:
    metrics.COALESCED.observe(len(many))
    return call_for_many(
        lambda: Usage.objects.charge_many(
            [wanted for wanted, _usage_id in many],
            usage_ids=[usage_id for _wanted, usage_id in many],
            lock_timeout_ms=LOCK_PATIENCE_MS,
        )
    )


def _allocation(one: Wanted) -> tuple[UUID, UUID]:
    """What a charge locks."""
    wanted, _usage_id = one
    return wanted.org_id, wanted.user_id
