"""Words for what time does to a subscription."""

from datetime import UTC, datetime
from decimal import Decimal

from billing import renewal, settling
from billing.models import BillingEvent, Payment, Subscription
from orgbilling.lib.clock import simulated
from tests.billing.conftest import ORIGIN


def day(text: str) -> datetime:
    """Midnight (UTC) of a date as `2026-11-01`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def advance(subscription: Subscription, at: datetime) -> Subscription:
    """Bring the subscription up to that moment; the row as the database has it then."""
    with simulated(at):
        renewal.advance(org_id=subscription.org_id, subscription_id=subscription.pk)
    return Subscription.objects.get(pk=subscription.pk)


def told(subscription: Subscription) -> list[str]:
    """The types of its events, oldest first, without the first."""
    rows = BillingEvent.objects.filter(subscription=subscription).order_by("created_at", "id")
    return [row.event_type for row in rows][1:]


def billed(subscription: Subscription) -> list[tuple[datetime, datetime, Decimal]]:
    """Each charge: the period that it is for, and how much, in the order of the periods."""
    rows = BillingEvent.objects.filter(subscription=subscription, amount__gt=0)
    return [
        (row.period_start, row.period_end, row.amount)
        for row in rows.order_by("period_start", "id")
    ]


def pay(subscription: Subscription, at: datetime, count: int | None = None) -> None:
    """Settle what is pending, the oldest first; `count` of them, all unless given."""
    pending = Payment.objects.pending().filter(event__subscription_id=subscription.pk)
    with simulated(at):
        for payment in list(pending.order_by("created_at", "id")[:count]):
            settling.settle(org_id=payment.org_id, payment_id=payment.pk, origin=ORIGIN)
