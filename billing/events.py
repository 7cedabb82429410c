"""What the money side tells endpoints of, as `organizations.event_types` describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from billing.choices import EventType, PaymentStatus
from billing.dunning import FINAL_REFUSALS, RETRY_DAYS
from organizations.events import emit
from orgbilling.web.responses import money

if TYPE_CHECKING:
    from billing.models.attempt import PaymentAttempt
    from billing.models.history import BillingEvent
    from billing.models.invoice import Invoice
    from billing.models.payment import Payment
    from billing.models.subscription import Subscription

#: What of the billing history is told of a subscription. What isn't here is told by itself, or isn't told.
OF_SUBSCRIPTIONS: Final[dict[str, str]] = {
    EventType.SUBSCRIPTION_CREATED: "subscription.created",
    EventType.SUBSCRIPTION_UPGRADED: "subscription.changed",
    EventType.DOWNGRADE_SCHEDULED: "subscription.changed",
    EventType.BILLING_CYCLE_CHANGED: "subscription.changed",
    EventType.CYCLE_CHANGE_SCHEDULED: "subscription.changed",
    EventType.SCHEDULE_CLEARED: "subscription.changed",
    EventType.CANCELLATION_SCHEDULED: "subscription.changed",
    EventType.CANCELLATION_UNDONE: "subscription.changed",
    EventType.SUBSCRIPTION_ACTIVATED: "subscription.changed",
    EventType.SUBSCRIPTION_RECOVERED: "subscription.changed",
    EventType.SUBSCRIPTION_RENEWED: "subscription.renewed",
    EventType.PAYMENT_OVERDUE: "subscription.past_due",
    EventType.SUBSCRIPTION_PAUSED: "subscription.paused",
    EventType.SUBSCRIPTION_RESUMED: "subscription.resumed",
    EventType.SUBSCRIPTION_CANCELED: "subscription.canceled",
}


def tell_of_history(event: BillingEvent) -> None:
    """Tell of a row of the history that changed a subscription, in the transaction that wrote it."""
    name = OF_SUBSCRIPTIONS.get(event.event_type)
    if name is None or event.subscription is None:
        return
    data = _of_subscription(event.subscription) | {
        "change": event.event_type,
        "amount": money(event.amount),
        "actor": event.actor,
        "request_id": event.request_id,
    }
    emit(event.org_id, name, data, event.created_at)


def tell_of_invoice(invoice: Invoice, payment: Payment, *, settled_before: bool) -> None:
    """Tell that an invoice was issued and, when its payment was paid from the beginning, that it is paid.

    `settled_before`: the payment was settled after it was opened, which was told of then.
    """
    emit(
        invoice.org_id, "invoice.issued", _of_invoice(invoice, payment, issued_at=invoice.issued_at)
    )
    if payment.status == PaymentStatus.PAID and not settled_before:
        tell_of_paid(invoice, payment)


def tell_of_paid(invoice: Invoice | None, payment: Payment) -> None:
    """Tell that an invoice is paid; None: it isn't issued yet, which takes seconds."""
    emit(payment.org_id, "invoice.paid", _of_invoice(invoice, payment, paid_at=payment.paid_at))


def tell_of_failure(attempt: PaymentAttempt) -> None:
    """Tell that an attempt to collect a payment failed."""
    is_final = attempt.failure_code in FINAL_REFUSALS or attempt.number > len(RETRY_DAYS)
    data = {
        "payment_id": attempt.payment_id,
        "amount": money(attempt.amount),
        "currency": attempt.currency,
        "attempt": attempt.number,
        "failure_code": attempt.failure_code,
        "is_final": is_final,
    }
    emit(attempt.org_id, "invoice.payment_failed", data)


def _of_subscription(subscription: Subscription) -> dict[str, Any]:
    return {
        "subscription_id": subscription.pk,
        "status": str(subscription.status),
        "plan": subscription.plan_id,
        "billing_cycle": str(subscription.billing_cycle),
        "monthly_price": money(subscription.monthly_price),
        "currency": subscription.currency,
        "current_period_start": subscription.current_period_start,
        "current_period_end": subscription.current_period_end,
        "trial_ends_at": subscription.trial_ends_at,
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "scheduled_plan": subscription.scheduled_plan_id,
        "canceled_at": subscription.canceled_at,
    }


def _of_invoice(invoice: Invoice | None, payment: Payment, **moments: Any) -> dict[str, Any]:
    return {
        "invoice_id": invoice.pk if invoice is not None else None,
        "number": str(invoice.document["number"]) if invoice is not None else None,
        "payment_id": payment.pk,
        "amount": money(payment.amount),
        "currency": payment.currency,
        **moments,
    }
