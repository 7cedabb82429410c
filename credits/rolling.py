"""Usage summed up by hour and day, so that reports of ten million rows cost what those of a few do.

No figure waits for it: reports add what isn't summed up yet. Each call is one organization's and a transaction of its
own, so that it can run twice, at the same time as another, late, or be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError

from credits.models import Rollup
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.transactions import run

logger = structlog.stdlib.get_logger(__name__)

#: Rows of one transaction: a fraction of a second, and a few megabytes of memory in the database.
ROWS_AT_ONCE: Final = 20_000
#: Rows after which a run of the job ends, so that others get on; the next goes on where it ended.
ROWS_A_RUN: Final = 1_000_000
ORGANIZATIONS_AT_ONCE: Final = 500


def roll_up(rows_at_most: int | None = ROWS_A_RUN) -> int:
    """Sum up what isn't yet, of one organization after the other; returns how many rows were taken.

    An organization that never was summed up only becomes known by its first call; the next takes its rows.

    Args:
        rows_at_most: about; None: as many as there are.
    """
    rows = 0
    for org_id in _behind():
        left = None if rows_at_most is None else rows_at_most - rows
        if left is not None and left <= 0:
            break
        rows += _guarded(org_id, left)
    return rows


def roll_up_organization(org_id: UUID, rows_at_most: int | None = None) -> int:
    """Sum up what can be of one organization; returns how many rows were taken."""
    rows = 0
    while True:
        done = run(lambda: Rollup.objects.roll_up(org_id, ROWS_AT_ONCE))
        rows += done.rows
        if not done.more or (rows_at_most is not None and rows >= rows_at_most):
            return rows


def rebuild(org_id: UUID) -> int:
    """Sum one organization up from nothing; until it is done, reports read the rows. Returns how many rows."""
    run(lambda: Rollup.objects.forget(org_id))
    return roll_up_organization(org_id)


def _behind() -> Iterator[UUID]:
    """Organizations that have something to be summed up, by id, looked for as they are needed."""
    last: UUID | None = None
    while True:
        found = Rollup.objects.behind(last, ORGANIZATIONS_AT_ONCE)
        yield from found
        if len(found) < ORGANIZATIONS_AT_ONCE:
            return
        last = found[-1]


def _guarded(org_id: UUID, rows_at_most: int | None) -> int:
    """One organization's trouble is logged and must not keep the others waiting."""
    try:
        return roll_up_organization(org_id, rows_at_most)
    except (OrgBillingError, DatabaseError):
        logger.exception("usage.not_rolled_up", org_id=org_id)
        return 0
