"""What was drawn over the pool: counted by the subscription's periods, and billed when one has ended.

The ledger closes a period of overage by itself, at the first charge after its end or by a job; here it
is told which period it is, and what it has closed is billed.
"""

from datetime import datetime
from typing import Final

from billing.choices import EventType, Operation, PaymentStatus
from billing.models import BillingEvent, Payment, Subscription
from billing.proration import to_cents
from credits.functions import Origin
from credits.idempotency import hash_body
from credits.models import CreditPool, OveragePeriod

ACTOR: Final = "system"


def follow(
    subscription: Subscription,
    moment: datetime,
    request_id: str,
    *,
    start: datetime | None = None,
) -> None:
    """Count by the subscription's current period, bill what has ended, keep to the plan's ceiling.

    `start`: where counting begins, for a first period. The caller holds the subscription's lock; the
    pool's is taken.
    """
    CreditPool.objects.set_overage_period(
        org_id=subscription.org_id, start=start, end=subscription.current_period_end
    )
    bill(subscription, moment, request_id)
    _clamp(subscription)


def withhold(subscription: Subscription) -> str | None:
    """Switch overage off for a subscription that begins as a trial, or with overage unpaid; says why.

    Overage is credit: a trial gives none, and canceling and subscribing anew gives no more of it.
    None: it stays as it is. The caller holds the subscription's lock; the pool's is taken.
    """
    if not CreditPool.objects.lock(subscription.org_id).allow_overage:
        return None
    if subscription.is_trialing:
        why = "trial"
    elif Payment.objects.owes_overage(subscription.org_id):
        why = "unpaid_overage"
    else:
        return None
    CreditPool.objects.change_settings(org_id=subscription.org_id, allow_overage=False)
    return why


def restart(subscription: Subscription, moment: datetime) -> None:
    """Close the period that ends now because another begins; `follow` bills it.

    The caller holds the subscription's lock; the pool's is taken. What was drawn in the very moment in
    which counting began goes on to the new period: a period of no length can't be closed.
    """
    began = CreditPool.objects.lock(subscription.org_id).overage_period_start
    if began is None or began < moment:
        CreditPool.objects.set_overage_period(org_id=subscription.org_id, start=None, end=moment)
        CreditPool.objects.close_overage_period(org_id=subscription.org_id)


def end(subscription: Subscription, moment: datetime, request_id: str, *, ended: datetime) -> None:
    """Close the period with the subscription, which ended at `ended`, and bill it."""
    CreditPool.objects.set_overage_period(org_id=subscription.org_id, start=None, end=ended)
    CreditPool.objects.close_overage_period(org_id=subscription.org_id)
    bill(subscription, moment, request_id)


def bill(subscription: Subscription, moment: datetime, request_id: str) -> int:
    """Write an event for each closed period that has none; its key names the period's end.

    The caller holds the subscription's lock. Returns how many were written.
    """
    written = 0
    billed = set(
        BillingEvent.objects.filter(
            org_id=subscription.org_id, operation=Operation.OVERAGE
        ).values_list("idempotency_key", flat=True)
    )
    for period in OveragePeriod.objects.of(subscription.org_id):
        key = f"overage:{period.period_end.isoformat()}"
        if key in billed:
            continue
        body_hash = hash_body(Operation.OVERAGE, {}, {"period": key})
        BillingEvent.objects.record(
            org_id=subscription.org_id,
            origin=Origin(ACTOR, request_id, key, body_hash),
            moment=moment,
            operation=Operation.OVERAGE,
            payment=PaymentStatus.PENDING,
            subscription=subscription,
            event_type=EventType.OVERAGE_CHARGE,
            amount=to_cents(period.credits * period.rate),
            currency=subscription.currency,
            period_start=period.period_start,
            period_end=period.period_end,
            metadata={"overage_credits": period.credits, "overage_rate": f"{period.rate:.2f}"},
        )
        written += 1
    return written


def _clamp(subscription: Subscription) -> None:
    """A smaller plan's ceiling holds from when its period is written, but not below what was drawn already."""
    pool = CreditPool.objects.lock(subscription.org_id)
    ceiling = max(subscription.plan.overage_ceiling, pool.overage_used_period)
    if pool.overage_limit > ceiling:
        CreditPool.objects.change_settings(org_id=subscription.org_id, overage_limit=ceiling)
