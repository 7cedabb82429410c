"""Usage drawn by chance, and the sums of it that Python makes, row by row."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from credits import rolling
from credits.models import Allocation, Rollup, Usage
from credits.reports import Selection

SERVICES = ("company_enrichment", "contact_lookup", "bulk_export")


@contextmanager
def door() -> Iterator[None]:
    """Rows may be written as the ledger's functions write them: in one transaction, which a pooler keeps together."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('orgbilling.door', 'open', true)")
        yield
        cursor.execute("SELECT set_config('orgbilling.door', '', true)")


def row(allocation: Allocation, credits: int, at: datetime, **values: Any) -> Usage:
    """A usage row that isn't saved."""
    return Usage(
        org_id=allocation.org_id,
        user_id=allocation.user_id,
        allocation=allocation,
        credits_used=credits,
        remaining_credits=0,
        request_id="drawn",
        actor="system",
        created_at=at,
        **{"service_name": SERVICES[1], **values},
    )


def write(*rows: Usage) -> None:
    """Write rows past the door, with all the other triggers at work."""
    with door():
        Usage.objects.bulk_create(rows)


def drawn(chance: random.Random, allocations: list[Allocation], number: int) -> list[Usage]:
    """Rows of the last weeks, some at the edges of hours and days, some young, some ahead of the clock."""
    now = datetime.now(UTC)
    rows: list[Usage] = []
    for _ in range(number):
        at = now - timedelta(
            seconds=chance.choice((1, 30, 700, 100_000, 3_000_000)) * chance.random()
        )
        if chance.random() < 0.3:
            at = at.replace(minute=chance.choice((0, 15, 30, 45)), second=0, microsecond=0)
        elif chance.random() < 0.1:
            at = now + timedelta(minutes=chance.randrange(3_000))
        charged = [one for one in rows if one.refund_of_id is None]
        if charged and chance.random() < 0.2:
            of = chance.choice(charged)
            refund = row(of.allocation, -1, at, service_name=of.service_name)
            refund.refund_of_id, refund.operation = of.pk, "refund"
            rows.append(refund)
            continue
        values = {
            "service_name": chance.choice(SERVICES),
            "service_type": chance.choice(("api", None)),
        }
        rows.append(row(chance.choice(allocations), chance.randrange(50), at, **values))
    return rows


def by_hand(selection: Selection, key: Any) -> dict[Any, tuple[int, int]]:
    """Key of a row -> credits and requests of the selection, from every row one by one."""
    found: dict[Any, tuple[int, int]] = {}
    for one in Usage.objects.all():
        outside = (
            one.created_at < selection.since
            or (selection.until is not None and one.created_at >= selection.until)
            or (selection.org_ids is not None and one.org_id not in selection.org_ids)
            or any(
                getattr(selection, name) not in (None, getattr(one, name))
                for name in ("user_id", "service_name", "service_type")
            )
        )
        if not outside:
            credits, requests = found.get(key(one), (0, 0))
            counted = one.refund_of_id is None
            found[key(one)] = (credits + one.credits_used, requests + counted)
    return found


def as_reported(rows: list[dict[str, Any]], name: str) -> dict[Any, tuple[int, int]]:
    """The same of a report."""
    return {one[name]: (one["credits_used"], one["request_count"]) for one in rows}


def day_of(zone: str = "UTC") -> Any:
    """The local day of a row."""
    return lambda one: one.created_at.astimezone(ZoneInfo(zone)).date()


def settle(*org_ids: UUID) -> None:
    """Sum up all that is five minutes old now. Whoever uses the same server must have ended what began before."""
    began, deadline = datetime.now(UTC), time.monotonic() + 120
    waiting = set(org_ids)
    while waiting:
        for org_id in tuple(waiting):
            rolling.roll_up_organization(org_id)
            safe = Rollup.objects.get(org_id=org_id).safe_until
            if safe is not None and safe >= began - timedelta(minutes=5):
                waiting.discard(org_id)
        assert time.monotonic() < deadline, "a transaction doesn't end"
        time.sleep(0.01)
