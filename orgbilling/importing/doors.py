"""The ledger's functions for imports, one typed caller each.

They are no entrances of the application (`orgbilling/roles/rules.py`): only the tables' owner may do what they do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from credits.functions.calling import one
from orgbilling.lib.ids import uuid7

ACTOR: Final = "system"
#: What `may_import` asks for: the application's role has none of it.
NEEDED: Final = ("credit_journal", "credit_usage_attribution")


def may_import() -> bool:
    """Whether the role of DATABASE_URL may write what an import writes."""
    (may,) = one(
        "SELECT bool_and(has_table_privilege(format('public.%%I', t::text), 'INSERT')) FROM unnest(%s::text[]) AS t",
        [list(NEEDED)],
    )
    return bool(may)


def import_pool(
    *,
    org_id: UUID,
    opening: int,
    mended: int,
    purchased: int,
    spent: Decimal,
    moment: datetime,
    request_id: str,
    notes: tuple[str, str],
) -> int:
    """Fill a pool that has no history; returns what is available.

    ``opening`` and ``mended``: credits, 0 to 9·10^18 together; ``notes``: of either.
    """
    args = [
        org_id,
        uuid7(),
        uuid7(),
        uuid7(),
        opening,
        mended,
        purchased,
        spent,
        moment,
        ACTOR,
        request_id,
        *notes,
    ]
    (available,) = one("SELECT public.import_pool(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)", args)
    return int(available)


@dataclass(frozen=True, slots=True)
class Given:
    """What one person gets: credits from 0 to 9·10^18; ``notes``: of the allocation and of the journal."""

    user_id: UUID
    allocation_id: UUID
    credits: int
    budget: int
    reset_period: str
    reset_anchor: datetime
    is_active: bool
    notes: tuple[str, str]


def import_allocation(given: Given, *, org_id: UUID, moment: datetime, request_id: str) -> None:
    """Make an allocation that has not been there, with credits of the pool."""
    one(
        "SELECT public.import_allocation(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        [
            org_id,
            given.user_id,
            given.allocation_id,
            uuid7(),
            given.credits,
            given.budget,
            given.reset_period,
            given.reset_anchor,
            given.is_active,
            moment,
            ACTOR,
            request_id,
            *given.notes,
        ],
    )


def import_usage(*, org_id: UUID, request_id: str, items: Sequence[dict[str, Any]]) -> int:
    """Write charges and refunds of the past and take them from their allocations; returns how many."""
    (rows,) = one(
        "SELECT public.import_usage(%s,%s,%s::jsonb)", [org_id, request_id, json.dumps(items)]
    )
    return int(rows)


def import_departure(*, org_id: UUID, allocation_id: UUID, request_id: str, notes: str) -> int:
    """Return to the pool what a switched-off allocation has left; returns how much."""
    (credits,) = one(
        "SELECT public.import_departure(%s,%s,%s,%s,%s,%s)",
        [org_id, allocation_id, uuid7(), ACTOR, request_id, notes],
    )
    return int(credits)
