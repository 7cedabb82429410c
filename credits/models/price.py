"""The price catalogue: services, and what one of each costs from when."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from credits.choices import MAX_AMOUNT
from credits.managers import PriceManager


class Service(models.Model):
    """Something that costs credits and has a price in the catalogue."""

    name = models.CharField(primary_key=True, max_length=100)
    title = models.CharField(max_length=200)
    unit = models.CharField(
        max_length=32, default="call", help_text="What one of it is: a call, a record."
    )

    class Meta:
        db_table = "service_catalogue"
        constraints = (models.CheckConstraint(condition=~Q(name=""), name="service_named"),)

    def __str__(self) -> str:
        """Its name."""
        return self.name


class Price(models.Model):
    """One version of a service's price, in credits for one, by plan. A new price is a new version.

    Platform pays the catalogue price; BYOK pays nothing where the customer's own key does the work;
    Hybrid has its own price for each service.
    """

    service = models.ForeignKey(
        Service, on_delete=models.PROTECT, related_name="prices", db_index=False
    )
    version = models.PositiveIntegerField()
    platform_credits = models.BigIntegerField()
    byok_credits = models.BigIntegerField()
    hybrid_credits = models.BigIntegerField()
    effective_from = models.DateTimeField()

    objects = PriceManager()

    class Meta:
        db_table = "service_prices"
        constraints = (
            models.UniqueConstraint(
                fields=["service", "version"], name="price_service_version_uniq"
            ),
            models.UniqueConstraint(
                fields=["service", "effective_from"], name="price_service_effective_uniq"
            ),
            models.CheckConstraint(
                condition=Q(
                    platform_credits__range=(0, MAX_AMOUNT),
                    byok_credits__range=(0, MAX_AMOUNT),
                    hybrid_credits__range=(0, MAX_AMOUNT),
                ),
                name="price_range",
            ),
        )

    def __str__(self) -> str:
        """Which version of which service."""
        return f"{self.service_id} v{self.version}"
