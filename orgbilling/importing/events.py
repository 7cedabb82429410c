"""The billing history, as it was told; no event of it is to be paid here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from billing.choices import CURRENCY, EventType
from billing.models import BillingEvent, Subscription
from orgbilling.importing import cleaning, doors
from orgbilling.importing.accounts import Account
from orgbilling.importing.agreements import TABLE as SUBSCRIPTIONS
from orgbilling.importing.mending import ZERO, Mends
from orgbilling.importing.rows import EventRow
from orgbilling.importing.source import Source

TABLE: Final = "org_billing_history"
BATCH: Final = 1_000
UNPAID: Final = frozenset({"pending", "failed"})
#: What is kept word by word.
KEPT: Final = (
    "event_type",
    "amount",
    "currency",
    "payment_status",
    "payment_method",
    "paid_at",
    "lago_invoice_id",
    "stripe_invoice_id",
    "subscription_id",
)


def write(
    source: Source,
    accounts: Mapping[str, Account],
    mends: Mends,
    moment: datetime,
    request_id: str,
) -> int:
    """Write every event of the organizations that are imported; returns how many."""
    subscriptions = set(
        Subscription.objects.filter(
            org__in=[account.tenant.organization.pk for account in accounts.values()]
        ).values_list("org_id", "id")
    )
    waiting: list[BillingEvent] = []
    written = 0
    for row in source.history():
        account = accounts.get(row.org_id)
        if account is None:
            continue
        event = _event(account, row, mends, moment, request_id)
        if row.subscription_id is not None:
            within = account.tenant.namespace
            key = cleaning.identity(row.subscription_id, SUBSCRIPTIONS, within)
            if (event.org_id, key) in subscriptions:
                event.subscription_id = key
        waiting.append(event)
        if len(waiting) == BATCH:
            written += BillingEvent.objects.bring_in(waiting)
            waiting = []
    return written + BillingEvent.objects.bring_in(waiting)


def _event(
    account: Account, row: EventRow, mends: Mends, moment: datetime, request_id: str
) -> BillingEvent:
    source_id = account.tenant.source_id
    amount, currency = row.amount or ZERO, (row.currency or CURRENCY).upper()
    status = (row.payment_status or "").lower()
    told = f"Ops-Center: {row.event_type or 'event'}, {cleaning.cents(amount)} {currency}"
    if status in UNPAID and amount > 0:
        mends.add("unpaid", source_id, TABLE, row.id, f"{amount} {currency}, {status}", "history")
    if currency != CURRENCY:
        mends.add("currency", source_id, TABLE, row.id, currency, "kept in the details")
    words = [told, status, row.description, row.notes]
    created_at = row.created_at
    if created_at is None:
        mends.add("moment_missing", source_id, TABLE, row.id, "none", account.tenant.since)
        created_at = account.tenant.since
    if created_at > moment:
        mends.add("moment_future", source_id, TABLE, row.id, created_at, moment)
        created_at = moment
    return BillingEvent(
        id=cleaning.identity(row.id, TABLE, account.tenant.namespace),
        org=account.tenant.organization,
        event_type=EventType.IMPORTED,
        # Said in words: as an amount it would be billed once more in every sum of what was billed here.
        amount=ZERO,
        period_start=row.period_start,
        period_end=row.period_end,
        actor=doors.ACTOR,
        notes="; ".join(word for word in words if word),
        metadata=_details(source_id, row, mends),
        request_id=request_id,
        created_at=created_at,
    )


def _details(source_id: str, row: EventRow, mends: Mends) -> dict[str, Any]:
    details, is_object = cleaning.details(row.metadata)
    if not is_object:
        mends.add("details", source_id, TABLE, row.id, row.metadata, "put into an object")
    kept = {name: _plain(value) for name in KEPT if (value := getattr(row, name)) is not None}
    return details | {"opscenter": kept}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
