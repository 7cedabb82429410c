"""A subscription: which plan an organization has, until when, at what price."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from billing.choices import CURRENCY, LIVE_STATUSES, BillingCycle, SubscriptionStatus
from billing.managers.subscriptions import SubscriptionManager
from billing.models.plan import Plan
from billing.proration import period_price
from organizations.models import Organization
from orgbilling.lib.ids import uuid7


class Subscription(models.Model):
    """One organization's subscription, at the price that held when it was made.

    Periods are counted from `period_anchor`, so that one begun on the 31st comes back to the 31st
    after a shorter month.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    org = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="subscriptions", db_index=False
    )
    plan = models.ForeignKey(
        Plan,
        on_delete=models.PROTECT,
        related_name="+",
        db_column="subscription_plan",
        db_index=False,
    )
    monthly_price = models.DecimalField(max_digits=16, decimal_places=2)
    currency = models.CharField(max_length=3, default=CURRENCY)
    yearly_months = models.SmallIntegerField(default=10)
    billing_cycle = models.CharField(
        max_length=16, choices=BillingCycle, default=BillingCycle.MONTHLY
    )
    status = models.CharField(max_length=16, choices=SubscriptionStatus)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    period_anchor = models.DateTimeField()
    current_period_start = models.DateTimeField()
    current_period_end = models.DateTimeField()
    cancel_at_period_end = models.BooleanField(default=False)
    scheduled_plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    scheduled_cycle = models.CharField(  # noqa: DJ001 - null: no change is scheduled
        max_length=16, choices=BillingCycle, null=True, blank=True
    )
    past_due_since = models.DateTimeField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects: ClassVar[SubscriptionManager] = SubscriptionManager()

    class Meta:
        """Table and constraints; every unique one begins with org_id."""

        db_table = "organization_subscriptions"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("org", "id"), name="organization_subscriptions_org_id_id_key"
            ),
            models.UniqueConstraint(
                fields=("org",),
                condition=Q(status__in=LIVE_STATUSES),
                name="organization_subscriptions_one_live_key",
            ),
            models.CheckConstraint(
                name="organization_subscriptions_status_check",
                condition=Q(status__in=SubscriptionStatus.values),
            ),
            models.CheckConstraint(
                name="organization_subscriptions_cycle_check",
                condition=Q(billing_cycle__in=BillingCycle.values),
            ),
            models.CheckConstraint(
                name="organization_subscriptions_scheduled_cycle_check",
                condition=Q(scheduled_cycle__isnull=True)
                | Q(scheduled_cycle__in=BillingCycle.values),
            ),
            models.CheckConstraint(
                name="organization_subscriptions_price_check", condition=Q(monthly_price__gte=0)
            ),
            models.CheckConstraint(
                name="organization_subscriptions_yearly_months_check",
                condition=Q(yearly_months__range=(1, 12)),
            ),
            models.CheckConstraint(
                name="organization_subscriptions_period_check",
                condition=Q(current_period_end__gt=F("current_period_start")),
            ),
            models.CheckConstraint(
                name="organization_subscriptions_trial_check",
                condition=~Q(status=SubscriptionStatus.TRIALING) | Q(trial_ends_at__isnull=False),
            ),
            models.CheckConstraint(
                name="organization_subscriptions_past_due_check",
                condition=Q(past_due_since__isnull=True) | Q(status=SubscriptionStatus.PAST_DUE),
            ),
            models.CheckConstraint(
                name="organization_subscriptions_canceled_check",
                condition=Q(status=SubscriptionStatus.CANCELED, canceled_at__isnull=False)
                | (~Q(status=SubscriptionStatus.CANCELED) & Q(canceled_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="organization_subscriptions_currency_check",
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
            ),
        )
        indexes = (
            models.Index(
                fields=("org", "-created_at", "-id"), name="organization_subscriptions_new"
            ),
        )

    def __str__(self) -> str:
        return f"{self.plan_id} ({self.status})"

    @property
    def is_live(self) -> bool:
        """Whether it has not been canceled."""
        return self.status != SubscriptionStatus.CANCELED

    @property
    def is_trialing(self) -> bool:
        """Whether nothing is paid yet."""
        return self.status == SubscriptionStatus.TRIALING

    @property
    def period_price(self) -> Decimal:
        """What one whole period costs."""
        return period_price(self.monthly_price, self.billing_cycle, self.yearly_months)

    @property
    def past_due_until(self) -> datetime | None:
        """When it is canceled unless its overdue payments are settled; None: it isn't past due."""
        if self.past_due_since is None:
            return None
        return self.past_due_since + timedelta(days=settings.PAST_DUE_DAYS)

    def has_ended_by(self, moment: datetime) -> bool:
        """Whether its scheduled end has passed, although no job has written so yet."""
        return self.cancel_at_period_end and self.current_period_end <= moment
