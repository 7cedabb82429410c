"""Whose customer is whose."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from billing.models.customer import PaymentCustomer


class PaymentCustomerManager(models.Manager["PaymentCustomer"]):
    """Finding customers, and adding them once."""

    def of(self, *, org_id: uuid.UUID, provider: str) -> "PaymentCustomer | None":
        """The organization's customer; None when it has none yet."""
        return self.filter(org_id=org_id, provider=provider).first()

    def named(self, *, provider: str, customer_id: str) -> "PaymentCustomer | None":
        """The customer with the provider's id; None: it is nobody's here."""
        return self.filter(provider=provider, customer_id=customer_id).first()

    def remember(
        self, *, org_id: uuid.UUID, provider: str, customer_id: str, moment: datetime
    ) -> "PaymentCustomer":
        """Add the organization's customer; the one it has already stays."""
        row = self.model(
            org_id=org_id, provider=provider, customer_id=customer_id, created_at=moment
        )
        self.bulk_create([row], ignore_conflicts=True)
        return self.get(org_id=org_id, provider=provider)
