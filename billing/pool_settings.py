"""Somebody decides how an organization's pool behaves: overage, alerts, refreshes, what may be owed."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from billing import renewal
from billing.choices import EventType
from billing.models import BillingEvent, Subscription
from credits.functions import Origin
from credits.models import Allocation, CreditPool
from orgbilling.lib import clock
from orgbilling.lib.errors import InvalidRequest

#: What only whoever runs the service decides; the organization decides the rest.
OPERATOR_SETTINGS: Final = frozenset({"monthly_refresh_amount", "overage_rate", "account_limit"})


@transaction.atomic
def change(*, org_id: uuid.UUID, values: Mapping[str, Any], origin: Origin) -> CreditPool:
    """Change settings of the pool, and keep in the history what they were before.

    What stays as it is leaves no event. Raises NoCreditPool, and InvalidRequest for overage allowed in a
    trial or without a live subscription, and for an overage limit above the live plan's ceiling (0
    without one) or below what the period has drawn.
    """
    subscription = Subscription.objects.lock_live(org_id)
    moment = clock.database_now()
    if subscription is not None:
        renewal.bring_up(subscription, moment, request_id=origin.request_id)
    live = subscription if subscription is not None and subscription.is_live else None
    if values.get("allow_overage") and (live is None or live.is_trialing):
        raise InvalidRequest(
            "allow_overage",
            "In a trial there is no overage: it can be allowed once the subscription is paid for."
            if live is not None
            else "Without a subscription there is no overage: subscribe first.",
            "not_in_trial",
        )
    limit = values.get("overage_limit")
    ceiling = live.plan.overage_ceiling if live is not None else 0
    if limit is not None and limit > ceiling:
        raise InvalidRequest(
            "overage_limit",
            f"The plan allows at most {ceiling} credits of overage a period."
            if live is not None
            else "Without a subscription there is no overage: subscribe first.",
            "above_ceiling",
        )
    before = _kept(CreditPool.objects.lock(org_id), values)
    pool = CreditPool.objects.change_settings(org_id=org_id, **values)
    after = _kept(pool, values)
    changed = [name for name in values if before[name] != after[name]]
    if changed:
        BillingEvent.objects.record(
            org_id=org_id,
            origin=origin,
            moment=moment,
            subscription=live,
            event_type=EventType.POOL_SETTINGS_CHANGED,
            metadata={
                "before": {name: before[name] for name in changed},
                "after": {name: after[name] for name in changed},
            },
        )
    return pool


@transaction.atomic
def change_reset_period(
    *, org_id: uuid.UUID, user_id: uuid.UUID, reset_period: str, origin: Origin
) -> Allocation:
    """Change how often a member's allocation is filled up, and keep in the history what it was before.

    A period that stays as it is leaves no event. Raises NoAllocation, AllocationInactive, NoCreditPool.
    """
    allocation, before = Allocation.objects.change_reset_period(
        org_id=org_id, user_id=user_id, reset_period=reset_period, origin=origin
    )
    if before != reset_period:
        BillingEvent.objects.record(
            org_id=org_id,
            origin=origin,
            moment=clock.database_now(),
            event_type=EventType.POOL_SETTINGS_CHANGED,
            metadata={
                "user_id": str(user_id),
                "before": {"reset_period": before},
                "after": {"reset_period": reset_period},
            },
        )
    return allocation


@transaction.atomic
def change_member_alert(
    *, org_id: uuid.UUID, user_id: uuid.UUID, percent: int | None, least: int | None, origin: Origin
) -> Allocation:
    """Change when a member's allocation is low, and keep in the history what it was before.

    What stays as it is leaves no event. Raises NoAllocation.
    """
    allocation, before = Allocation.objects.change_alert(
        org_id=org_id, user_id=user_id, percent=percent, least=least
    )
    after = {name: getattr(allocation, name) for name in before}
    changed = [name for name in before if before[name] != after[name]]
    if changed:
        BillingEvent.objects.record(
            org_id=org_id,
            origin=origin,
            moment=clock.database_now(),
            event_type=EventType.POOL_SETTINGS_CHANGED,
            metadata={
                "user_id": str(user_id),
                "before": {name: before[name] for name in changed},
                "after": {name: after[name] for name in changed},
            },
        )
    return allocation


def _kept(pool: CreditPool, values: Mapping[str, Any]) -> dict[str, Any]:
    """The pool's values of these names, as JSON keeps them."""
    return {name: _plain(getattr(pool, name)) for name in values}


def _plain(value: Any) -> Any:
    return f"{value:.2f}" if isinstance(value, Decimal) else value
