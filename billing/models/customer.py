"""Which customer of a payment provider an organization is."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from billing.choices import ProviderName
from billing.managers.customers import PaymentCustomerManager
from organizations.models import Organization
from orgbilling.lib.ids import uuid7


class PaymentCustomer(models.Model):
    """One customer an organization and provider. Its cards are kept by the provider, and asked for there."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="payment_customers", db_index=False
    )
    provider = models.CharField(max_length=16, choices=ProviderName)
    customer_id = models.CharField(max_length=255, help_text="The provider's id, such as cus_….")
    created_at = models.DateTimeField()

    objects: ClassVar[PaymentCustomerManager] = PaymentCustomerManager()

    class Meta:
        """Table and constraints."""

        db_table = "payment_customers"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("org", "id"), name="payment_customers_org_id_id_key"),
            models.UniqueConstraint(
                fields=("org", "provider"), name="payment_customers_org_id_provider_key"
            ),
            # The one constraint that doesn't begin with the organization: it keeps two from sharing a card.
            models.UniqueConstraint(
                fields=("provider", "customer_id"), name="payment_customers_customer_key"
            ),
            models.CheckConstraint(
                name="payment_customers_provider_check",
                condition=Q(provider__in=ProviderName.values),
            ),
            models.CheckConstraint(
                name="payment_customers_customer_id_check", condition=~Q(customer_id="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.customer_id} at {self.provider}"
