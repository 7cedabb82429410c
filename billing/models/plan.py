"""The plan catalogue: what can be subscribed to, and for how much."""

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from billing.choices import CURRENCY, PlanCode
from billing.managers.plans import PlanManager


class Plan(models.Model):
    """One plan. A changed price is for new subscriptions: the others keep theirs."""

    code = models.CharField(primary_key=True, max_length=16, choices=PlanCode)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True, default="")
    monthly_price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3, default=CURRENCY)
    yearly_months = models.SmallIntegerField(
        default=10, help_text="A year costs as much as this many months."
    )
    credit_price = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        default=Decimal("0.01"),
        help_text="Price of one credit bought on account.",
    )
    overage_ceiling = models.BigIntegerField(
        default=0, help_text="The highest overage limit that an organization may set, in credits."
    )
    is_active = models.BooleanField("can be subscribed to", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[PlanManager] = PlanManager()

    class Meta:
        """Table and constraints."""

        db_table = "plans"
        ordering = ("monthly_price", "code")
        constraints = (
            models.CheckConstraint(name="plans_code_check", condition=Q(code__in=PlanCode.values)),
            models.CheckConstraint(
                name="plans_monthly_price_check", condition=Q(monthly_price__gte=0)
            ),
            models.CheckConstraint(
                name="plans_credit_price_check", condition=Q(credit_price__gt=0)
            ),
            models.CheckConstraint(
                name="plans_yearly_months_check", condition=Q(yearly_months__range=(1, 12))
            ),
            models.CheckConstraint(
                name="plans_overage_ceiling_check", condition=Q(overage_ceiling__gte=0)
            ),
            models.CheckConstraint(
                name="plans_currency_check", condition=Q(currency__regex=r"^[A-Z]{3}$")
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def terms(self) -> dict[str, Any]:
        """What a subscription takes over from its plan, once: later prices are for others."""
        return {
            "plan_id": self.code,
            "monthly_price": self.monthly_price,
            "currency": self.currency,
            "yearly_months": self.yearly_months,
        }
