"""Opening payments, and what is still unpaid."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Sum

from billing.choices import EventType, PaymentStatus

if TYPE_CHECKING:
    from billing.models.history import BillingEvent
    from billing.models.payment import Payment


class PaymentManager(models.Manager["Payment"]):
    """The only door through which payments are opened."""

    def open(self, event: "BillingEvent", *, status: PaymentStatus, moment: datetime) -> "Payment":
        """Open the payment of an event's amount, in the transaction that wrote the event."""
        return self.create(
            org_id=event.org_id,
            event=event,
            amount=event.amount,
            currency=event.currency,
            status=status,
            paid_at=moment if status == PaymentStatus.PAID else None,
            created_at=moment,
            updated_at=moment,
        )

    def unpaid_purchases(self, org_id: uuid.UUID) -> Decimal:
        """What the organization owes for credits bought on account.

        To decide by it, the caller holds the pool's lock: purchases on account are made under it.
        """
        owed = self.filter(
            org_id=org_id,
            status=PaymentStatus.PENDING,
            event__org_id=org_id,
            event__event_type=EventType.CREDIT_PURCHASE,
        ).aggregate(sum=Sum("amount"))["sum"]
        return owed if owed is not None else Decimal("0.00")
