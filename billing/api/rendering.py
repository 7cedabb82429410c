"""The rows of billing as the documents of the API."""

from decimal import Decimal
from typing import Any

from billing.models import BillingEvent, Plan, Subscription
from billing.proration import period_price
from orgbilling.web.responses import money, rfc3339


def render_plan(plan: Plan) -> dict[str, Any]:
    """Return a plan of the catalogue, with what a year of it costs."""
    return {
        "code": plan.code,
        "name": plan.name,
        "description": plan.description,
        "monthly_price": money(plan.monthly_price),
        "yearly_price": money(period_price(plan.monthly_price, "yearly", plan.yearly_months)),
        "credit_price": money(plan.credit_price),
        "currency": plan.currency,
        "overage_ceiling": plan.overage_ceiling,
    }


def render_subscription(subscription: Subscription) -> dict[str, Any]:
    """Return a Subscription; its organization is to be selected with it."""
    return {
        "id": subscription.pk,
        "org_id": subscription.org_id,
        "org_name": subscription.org.display_name,
        "subscription_plan": subscription.plan_id,
        "monthly_price": money(subscription.monthly_price),
        "currency": subscription.currency,
        "billing_cycle": subscription.billing_cycle,
        "status": subscription.status,
        "trial_ends_at": rfc3339(subscription.trial_ends_at),
        "current_period_start": rfc3339(subscription.current_period_start),
        "current_period_end": rfc3339(subscription.current_period_end),
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "scheduled_plan": subscription.scheduled_plan_id,
        "canceled_at": rfc3339(subscription.canceled_at),
        "created_at": rfc3339(subscription.created_at),
        "updated_at": rfc3339(subscription.updated_at),
    }


def render_event(event: BillingEvent) -> dict[str, Any]:
    """Return a HistoryEvent, read `with_payment_status` or just recorded."""
    return {
        "id": event.pk,
        "org_id": event.org_id,
        "subscription_id": event.subscription_id,
        "event_type": event.event_type,
        "amount": money(event.amount),
        "currency": event.currency,
        "credits": event.credits,
        "payment_status": event.payment_status,
        "period_start": rfc3339(event.period_start),
        "period_end": rfc3339(event.period_end),
        "actor": event.actor,
        "notes": event.notes,
        "metadata": event.metadata,
        "created_at": rfc3339(event.created_at),
    }


def render_revenue(plan: str, count: int, monthly: Decimal) -> dict[str, Any]:
    """Return one plan's part of the recurring revenue."""
    return {"plan": plan, "count": count, "mrr": money(monthly)}
