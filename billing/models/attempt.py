"""One attempt to collect a payment by a provider."""

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from billing.choices import OPEN_ATTEMPTS, AttemptStatus, ProviderName
from billing.managers.attempts import PaymentAttemptManager
from billing.models.payment import Payment
from organizations.models import Organization
from orgbilling.lib.ids import uuid7
from orgbilling.lib.ledger_key import LedgerForeignKey


class PaymentAttempt(models.Model):
    """What was asked of a provider, written before it was asked, and what became of it.

    Everything that the request was made of is here, so that it can be made again word for word: then the
    provider answers what it answered, and takes the money once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="payment_attempts", db_index=False
    )
    payment = LedgerForeignKey(
        Payment,
        on_delete=models.PROTECT,
        related_name="attempts",
        db_constraint=False,
        db_index=False,
    )
    number = models.PositiveIntegerField(help_text="The first is 1.")
    provider = models.CharField(max_length=16, choices=ProviderName)
    customer_id = models.CharField(max_length=255)
    method_id = models.CharField(max_length=255)
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3)
    return_url = models.TextField(
        blank=True, default="", help_text="Empty: nobody was there to agree to it."
    )
    reference = models.CharField(
        max_length=255, blank=True, default="", help_text="The provider's id, such as pi_…."
    )
    status = models.CharField(max_length=16, choices=AttemptStatus, default=AttemptStatus.STARTED)
    failure_code = models.CharField(max_length=64, blank=True, default="")
    failure_message = models.TextField(blank=True, default="")
    duplicate = models.BooleanField(
        default=False,
        help_text="The money came although the payment was settled or void already: give it back.",
    )
    refunded_amount = models.DecimalField(
        max_digits=16, decimal_places=2, default=Decimal("0.00"), help_text="By the provider."
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects: ClassVar[PaymentAttemptManager] = PaymentAttemptManager()

    class Meta:
        """Table and constraints; SQL makes the key to the payment, with org_id in it."""

        db_table = "payment_attempts"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("org", "id"), name="payment_attempts_org_id_id_key"),
            models.UniqueConstraint(
                fields=("org", "payment", "number"), name="payment_attempts_number_key"
            ),
            models.UniqueConstraint(
                fields=("org", "payment"),
                condition=Q(status__in=OPEN_ATTEMPTS),
                name="payment_attempts_one_open_key",
            ),
            models.UniqueConstraint(
                fields=("org", "payment"),
                condition=Q(status=AttemptStatus.SUCCEEDED, duplicate=False),
                name="payment_attempts_one_success_key",
            ),
            models.UniqueConstraint(
                fields=("org", "provider", "reference"),
                condition=~Q(reference=""),
                name="payment_attempts_reference_key",
            ),
            models.CheckConstraint(
                name="payment_attempts_provider_check",
                condition=Q(provider__in=ProviderName.values),
            ),
            models.CheckConstraint(
                name="payment_attempts_status_check", condition=Q(status__in=AttemptStatus.values)
            ),
            models.CheckConstraint(name="payment_attempts_amount_check", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="payment_attempts_currency_check", condition=Q(currency__regex=r"^[A-Z]{3}$")
            ),
            models.CheckConstraint(
                name="payment_attempts_success_check",
                condition=~Q(status=AttemptStatus.SUCCEEDED) | ~Q(reference=""),
            ),
            models.CheckConstraint(
                name="payment_attempts_duplicate_check",
                condition=Q(duplicate=False) | Q(status=AttemptStatus.SUCCEEDED),
            ),
            models.CheckConstraint(
                name="payment_attempts_refunded_check",
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("amount")),
            ),
        )
        indexes = (
            # What webhooks look for; they don't know the organization.
            models.Index(
                fields=("provider", "reference"),
                condition=~Q(reference=""),
                name="payment_attempts_reference",
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}, {self.status}"

    @property
    def is_open(self) -> bool:
        """Whether money may still come of it."""
        return self.status in OPEN_ATTEMPTS
