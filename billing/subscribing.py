"""An organization subscribes to a plan."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from billing import entitlement
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

    A former one whose scheduled end has passed is closed first, so that no late job stands in the
    way. Raises OrganizationSuspended, SubscriptionExists, and InvalidRequest for a plan that isn't
    offered.
    """
    if organization.is_suspended:
        raise OrganizationSuspended("This organization is suspended: it can't subscribe.")
    moment = clock.database_now()
    _close_ended(organization, moment, origin)
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
        metadata={"plan": plan.code, "billing_cycle": order.billing_cycle},
    )
    entitlement.apply(subscription)
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


def _close_ended(organization: Organization, moment: datetime, origin: Origin) -> None:
    former = Subscription.objects.lock_live(organization.id)
    if former is None or not former.has_ended_by(moment):
        return
    Subscription.objects.cancel(former, moment=moment)
    BillingEvent.objects.record(
        org_id=organization.id,
        origin=Origin(actor="system", request_id=origin.request_id),
        moment=moment,
        subscription=former,
        event_type=EventType.SUBSCRIPTION_CANCELED,
        currency=former.currency,
        period_start=former.current_period_start,
        period_end=former.current_period_end,
        notes="The scheduled end had passed.",
    )
