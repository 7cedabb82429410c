"""Adding to the billing history, and reading it."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import OuterRef, Subquery

from billing.choices import PaymentStatus
from billing.events import tell_of_history
from credits.functions import Origin

if TYPE_CHECKING:
    from billing.models.history import BillingEvent


class HistoryQuerySet(models.QuerySet["BillingEvent"]):
    """Events as callers see them."""

    def with_payment_status(self) -> "HistoryQuerySet":
        """Annotate `payment_status`, from the payment's row: None where nothing is to be paid."""
        payments: Any = apps.get_model("billing", "Payment")
        status = payments.objects.filter(org_id=OuterRef("org_id"), event_id=OuterRef("pk"))
        annotations: dict[str, Any] = {"payment_status": Subquery(status.values("status")[:1])}
        return self.annotate(**annotations)


class HistoryManager(models.Manager.from_queryset(HistoryQuerySet)):  # type: ignore[misc]
    """The only door to the history, and it opens one way."""

    def bring_in(self, events: "Sequence[BillingEvent]") -> int:
        """Add events of another system, with no payments; returns how many."""
        return len(self.bulk_create(events))

    def record(
        self,
        *,
        org_id: uuid.UUID,
        origin: Origin,
        moment: datetime,
        operation: str = "",
        payment: PaymentStatus | None = None,
        **values: Any,
    ) -> "BillingEvent":
        """Add an event and, when there is something to pay, its payment, in one transaction.

        `operation`: the scope of the origin's key; needed with one. `payment`: the status of the
        amount's payment; an amount of 0.00 never has one. `values`: the event's fields.
        Endpoints are told of what it did to a subscription.
        Returns the event with `payment_status`, as the queryset annotates it.
        """
        event: BillingEvent = self.create(
            org_id=org_id,
            actor=origin.actor,
            request_id=origin.request_id,
            operation=operation,
            idempotency_key=origin.idempotency_key,
            body_hash=origin.body_hash,
            created_at=moment,
            **values,
        )
        status = payment if event.amount > 0 else None
        if status is not None:
            event.payments.open(event, status=status, moment=moment)
        event.payment_status = status
        tell_of_history(event)
        return event
