"""Locked writes to the subscriptions."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Q, Sum, When
from psycopg.errors import UniqueViolation

from billing.choices import (
    LIVE_STATUSES,
    REVENUE_STATUSES,
    BillingCycle,
    Operation,
    SubscriptionStatus,
)
from billing.errors import SubscriptionExists
from orgbilling.lib.errors import NotFound

if TYPE_CHECKING:
    from billing.models.subscription import Subscription


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Subscriptions as callers see them."""

    def live(self) -> "SubscriptionQuerySet":
        """Those not canceled: at most one an organization."""
        return self.filter(status__in=LIVE_STATUSES)

    def due(self, moment: datetime) -> "SubscriptionQuerySet":
        """Those for which something has come to be done by `moment`, the longest waiting first.

        What the ledger has closed of their overage, and nobody has billed, is to be done too.
        """
        payments: Any = apps.get_model("billing", "Payment").objects
        overdue = Exists(
            payments.overdue(moment).filter(
                org_id=OuterRef("org_id"), event__subscription_id=OuterRef("pk")
            )
        )
        periods: Any = apps.get_model("credits", "OveragePeriod").objects
        history: Any = apps.get_model("billing", "BillingEvent").objects
        unbilled = Exists(
            periods.filter(org_id=OuterRef("org_id")).exclude(
                Exists(
                    history.filter(
                        org_id=OuterRef("org_id"),
                        operation=Operation.OVERAGE,
                        idempotency_key__isnull=False,
                        period_end=OuterRef("period_end"),
                    )
                )
            )
        )
        too_long = moment - timedelta(days=settings.PAST_DUE_DAYS)
        elapsed = Q(current_period_end__lte=moment)
        return self.filter(
            Q(status=SubscriptionStatus.TRIALING, trial_ends_at__lte=moment)
            | Q(status__in=REVENUE_STATUSES) & elapsed
            | Q(status=SubscriptionStatus.PAUSED, cancel_at_period_end=True) & elapsed
            | Q(status=SubscriptionStatus.ACTIVE) & overdue
            | Q(status=SubscriptionStatus.PAST_DUE, past_due_since__lte=too_long)
            | Q(status=SubscriptionStatus.PAST_DUE) & ~overdue
            | Q(status__in=LIVE_STATUSES) & unbilled
        ).order_by("current_period_end", "id")

    def with_names(self) -> "SubscriptionQuerySet":
        """With the organization, whose name every answer shows."""
        return self.select_related("org")


class SubscriptionManager(models.Manager.from_queryset(SubscriptionQuerySet)):  # type: ignore[misc]
    """The only door through which subscriptions are made and changed."""

    def start(self, **values: Any) -> "Subscription":
        """Insert a live subscription; the unique index over the live states decides every race.

        Raises SubscriptionExists.
        """
        subscription: Subscription = self.model(**values)
        try:
            with transaction.atomic():
                subscription.save(force_insert=True)
        except IntegrityError as exc:
            if not isinstance(exc.__cause__, UniqueViolation):
                raise
            raise SubscriptionExists from exc
        return subscription

    def lock(self, *, org_id: uuid.UUID, subscription_id: uuid.UUID) -> "Subscription":
        """Lock the row until the transaction ends. Raises NotFound."""
        # Without a join: a waiter looks at the changed row again, and one joined to the plan it had
        # before would have vanished.
        rows = self.select_for_update(no_key=True).filter(org_id=org_id, id=subscription_id)
        row: Subscription | None = rows.first()
        if row is None:
            raise NotFound("There is no subscription with this id.")
        return row

    def lock_if_free(
        self, *, org_id: uuid.UUID, subscription_id: uuid.UUID
    ) -> "Subscription | None":
        """Lock the row until the transaction ends; None when somebody else has it locked."""
        rows = self.select_for_update(skip_locked=True, no_key=True).filter(
            org_id=org_id, id=subscription_id
        )
        row: Subscription | None = rows.first()
        return row

    def lock_live(self, org_id: uuid.UUID) -> "Subscription | None":
        """Lock the organization's live subscription until the transaction ends, if it has one."""
        row: Subscription | None = (
            self.live().select_for_update(no_key=True).filter(org_id=org_id).first()
        )
        return row

    def change(
        self, subscription: "Subscription", *, moment: datetime, **values: Any
    ) -> "Subscription":
        """Write the values to a row that the caller has locked."""
        for name, value in values.items():
            setattr(subscription, name, value)
        subscription.updated_at = moment
        self.filter(org_id=subscription.org_id, id=subscription.id).update(
            updated_at=moment, **values
        )
        return subscription

    def revenue_by_plan(self) -> dict[str, tuple[int, Decimal]]:
        """For every plan with revenue: how many subscriptions, and what they bring a month."""
        monthly = Case(
            When(
                billing_cycle=BillingCycle.YEARLY,
                then=F("monthly_price") * F("yearly_months") / 12,
            ),
            default=F("monthly_price"),
            output_field=models.DecimalField(max_digits=30, decimal_places=16),
        )
        rows = (
            self.filter(status__in=REVENUE_STATUSES)
            .order_by()
            .values("plan_id")
            .annotate(count=Count("id"), revenue=Sum(monthly))
            .values_list("plan_id", "count", "revenue")
        )
        return {plan: (count, revenue) for plan, count, revenue in rows}

    def cancel(
        self, subscription: "Subscription", *, moment: datetime, since: datetime | None = None
    ) -> "Subscription":
        """End a row that the caller has locked; what was scheduled for later is forgotten.

        `since`: when it ended, for an end that is written late; `moment` unless given.
        """
        return self.change(
            subscription,
            moment=moment,
            status=SubscriptionStatus.CANCELED,
            canceled_at=since or moment,
            past_due_since=None,
            cancel_at_period_end=False,
            scheduled_plan_id=None,
            scheduled_cycle=None,
        )
