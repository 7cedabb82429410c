"""An organization subscribes to a plan."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing import alarm, entitlement, overage, renewal
from billing.choices import BillingCycle, EventType, Operation, PaymentStatus, SubscriptionStatus
from billing.models import BillingEvent, Plan, Subscription
from billing.periods import first_period, whole_second
from billing.proration import ZERO
from credits.functions import Origin
from organizations.errors import OrganizationSuspended
from organizations.models import Organization
from orgbilling.lib import clock


@dataclass(frozen=True, slots=True)
class Order:
    """What is subscribed to.

    `trial_days`: 0 starts the first paid period at once. `monthly_price`: None for the catalogue's.
    """

    plan: str
    billing_cycle: str = BillingCycle.MONTHLY
    trial_days: int = 0
    monthly_price: Decimal | None = None


@transaction.atomic
def subscribe(*, organization: Organization, order: Order, origin: Origin) -> Subscription:
    """Start the organization's subscription, with its first event and what its pool may now spend.

    A former one is brought up to now first, so that no late job stands in the way of one whose end
    has passed. Raises OrganizationSuspended, SubscriptionExists, and InvalidRequest for a plan that isn't
    offered.
    """
    if organization.is_suspended:
        raise OrganizationSuspended("This organization is suspended: it can't subscribe.")
    moment = clock.database_now()
    _bring_up_former(organization, moment, origin)
    plan = Plan.objects.choose(order.plan)
    price = plan.monthly_price if order.monthly_price is None else order.monthly_price
    subscription = Subscription.objects.start(
        org=organization,
        plan=plan,
        monthly_price=price,
        currency=plan.currency,
        yearly_months=plan.yearly_months,
        billing_cycle=order.billing_cycle,
        created_at=moment,
        updated_at=moment,
        **_first_period(order, whole_second(moment)),
    )
    metadata = {"plan": plan.code, "billing_cycle": order.billing_cycle}
    if (why := overage.withhold(subscription)) is not None:
        metadata["overage_switched_off"] = why
    BillingEvent.objects.record(
        org_id=organization.id,
        origin=origin,
        moment=moment,
        operation=Operation.SUBSCRIBE,
        payment=PaymentStatus.PENDING,
        subscription=subscription,
        event_type=EventType.SUBSCRIPTION_CREATED,
        amount=ZERO if subscription.is_trialing else subscription.period_price,
        currency=subscription.currency,
        period_start=subscription.current_period_start,
        period_end=subscription.current_period_end,
        metadata=metadata,
    )
    start = subscription.current_period_start
    overage.follow(subscription, moment, origin.request_id, start=start)
    entitlement.apply(subscription)
    alarm.set_for(subscription)
    return subscription


def _first_period(order: Order, start: datetime) -> dict[str, Any]:
    if order.trial_days:
        end = start + timedelta(days=order.trial_days)
        return {
            "status": SubscriptionStatus.TRIALING,
            "trial_ends_at": end,
            "period_anchor": end,
            "current_period_start": start,
            "current_period_end": end,
        }
    start, end = first_period(start, order.billing_cycle)
    return {
        "status": SubscriptionStatus.ACTIVE,
        "period_anchor": start,
        "current_period_start": start,
        "current_period_end": end,
    }


def _bring_up_former(organization: Organization, moment: datetime, origin: Origin) -> None:
    former = Subscription.objects.lock_live(organization.id)
    if former is not None:
        renewal.bring_up(former, moment, request_id=origin.request_id)
