"""What an organization wants to read on its invoices about itself."""

from typing import ClassVar, Final

from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from billing.managers.details import BillingDetailsManager
from organizations.models import Organization
from orgbilling.lib.ids import uuid7

ADDRESS_LENGTH: Final = 500


class BillingDetails(models.Model):
    """The buyer's part of an organization's next invoices; issued ones keep what they were issued with.

    All of it may be empty: an organization without a legal name is billed by its display name.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="billing_details", db_index=False
    )
    legal_name = models.CharField(max_length=200, blank=True, default="")
    email = models.EmailField("billing e-mail", max_length=254, blank=True, default="")
    address = models.TextField(
        max_length=ADDRESS_LENGTH,
        blank=True,
        default="",
        help_text="As on an envelope, up to 500 characters in lines.",
    )
    country = models.CharField(max_length=100, blank=True, default="")
    tax_id = models.CharField(
        "tax id", max_length=64, blank=True, default="", help_text="Such as a VAT number."
    )
    actor = models.CharField(max_length=64, help_text="Who changed it last: user:<id> or system.")
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)

    objects: ClassVar[BillingDetailsManager] = BillingDetailsManager()

    class Meta:
        """Table and constraints."""

        db_table = "billing_details"
        verbose_name = verbose_name_plural = "billing details"
        ordering = ("org_id",)
        constraints = (
            models.UniqueConstraint(fields=("org", "id"), name="billing_details_org_id_id_key"),
            models.UniqueConstraint(fields=("org",), name="billing_details_org_id_key"),
            models.CheckConstraint(
                name="billing_details_address_check",
                condition=LessThanOrEqual(Length("address"), ADDRESS_LENGTH),
            ),
        )

    def __str__(self) -> str:
        return self.legal_name or str(self.org)
