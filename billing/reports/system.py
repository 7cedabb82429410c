"""What whoever runs the service sees: revenue, subscriptions, credits, who owes, who came."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, DateTimeField, F, Min, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import TruncDate

from billing.choices import (
    CURRENCY,
    PlanCode,
    SubscriptionStatus,
)
from billing.models import Payment, Subscription
from billing.proration import to_cents
from billing.reports.health import LedgerHealth, ledger_health
from credits import reports
from credits.choices import Bucket
from credits.models import Allocation, CreditPool, JournalEntry
from organizations.models import Organization, User
from orgbilling.lib.clock import now

TOP_ORGANIZATIONS: Final = 10
DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Revenue:
    """Recurring revenue of active and past-due subscriptions, a year's price spread over its months.

    `by_plan`: plan code -> how many subscriptions, and what they bring a month.
    """

    mrr: Decimal
    arr: Decimal
    currency: str
    subscriptions: int
    by_plan: dict[str, tuple[int, Decimal]]


@dataclass(frozen=True, slots=True)
class CreditTotals:
    """The credits of all organizations together.

    total = available + remaining + held + used - overage; allocated = total - available.
    `expired`: what left by expiry or withdrawal, and is in the total no more.
    """

    total: int
    available: int
    allocated: int
    remaining: int
    held: int
    used: int
    overage: int
    expired: int


@dataclass(frozen=True, slots=True)
class PastDue:
    """An organization whose subscription is past due: what it owes, since when, and when it ends."""

    org_id: uuid.UUID
    org_name: str
    subscription_id: uuid.UUID
    plan: str
    owed: Decimal
    currency: str
    oldest_charge_at: datetime | None
    since: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignUps:
    """Organizations opened and people added, by day of UTC, oldest first, none left out."""

    days: tuple[date, ...]
    organizations: tuple[int, ...]
    users: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SystemReport:
    """Everything of the system's dashboard."""

    revenue: Revenue
    subscriptions: dict[str, dict[str, int]]
    credits: CreditTotals
    top_organizations: list[dict[str, Any]]
    past_due: list[PastDue]
    usage: reports.DailyUsage
    sign_ups: SignUps
    health: LedgerHealth


def system_report() -> SystemReport:
    """Return the system's dashboard, in 12 queries however large the system is."""
    return SystemReport(
        revenue=revenue(),
        subscriptions=subscriptions_by_plan_and_status(),
        credits=system_credits(),
        top_organizations=reports.top_organizations(TOP_ORGANIZATIONS),
        past_due=past_due(),
        usage=reports.daily_by_service(None, DAYS),
        sign_ups=sign_ups(),
        health=ledger_health(),
    )


def revenue() -> Revenue:
    """Return the recurring revenue. One query."""
    by_plan = Subscription.objects.revenue_by_plan()
    mrr = to_cents(sum((amount for _, amount in by_plan.values()), Decimal(0)))
    return Revenue(
        mrr=mrr,
        arr=to_cents(12 * mrr),
        currency=CURRENCY,
        subscriptions=sum(count for count, _ in by_plan.values()),
        by_plan={plan: (count, to_cents(amount)) for plan, (count, amount) in by_plan.items()},
    )


def subscriptions_by_plan_and_status() -> dict[str, dict[str, int]]:
    """Return how many subscriptions there are: plan -> status -> number, 0 where there is none."""
    counted: dict[str, dict[str, int]] = {
        plan: dict.fromkeys(SubscriptionStatus.values, 0) for plan in PlanCode.values
    }
    rows = Subscription.objects.order_by().values("plan_id", "status").annotate(count=Count("pk"))
    for row in rows:
        counted[row["plan_id"]][row["status"]] = row["count"]
    return counted


def system_credits() -> CreditTotals:
    """Return the credits of all organizations. Three queries."""
    pools = CreditPool.objects.aggregate(
        total=Sum("total_credits", default=0),
        available=Sum("available_credits", default=0),
        allocated=Sum("allocated_credits", default=0),
        overage=Sum("overage_used", default=0),
    )
    members = Allocation.objects.aggregate(
        remaining=Sum("remaining_credits", default=0),
        held=Sum("held_credits", default=0),
        used=Sum("lifetime_used_credits", default=0),
    )
    gone = JournalEntry.objects.filter(to_bucket__in=(Bucket.EXPIRED, Bucket.WITHDRAWN))
    expired = gone.aggregate(expired=Sum("credits", default=0))
    return CreditTotals(
        **{name: int(value) for name, value in {**pools, **members, **expired}.items()}
    )


def past_due(limit: int = 100) -> list[PastDue]:
    """Return the past-due subscriptions with what is owed for them, the longest first. One query."""
    owed = (
        Payment.objects.pending()
        .filter(
            org_id=OuterRef("org_id"),
            event__org_id=OuterRef("org_id"),
            event__subscription_id=OuterRef("pk"),
        )
        .order_by()
        .values("org_id")
    )
    rows: QuerySet[Any] = (
        Subscription.objects.with_names()
        .filter(status=SubscriptionStatus.PAST_DUE)
        .annotate(
            owed=Subquery(owed.annotate(sum=Sum("amount")).values("sum")),
            oldest=Subquery(
                owed.annotate(first=Min("created_at")).values("first"),
                output_field=DateTimeField(null=True),
            ),
        )
        .order_by(F("past_due_since").asc(nulls_first=True), "pk")[:limit]
    )
    return [
        PastDue(
            org_id=row.org_id,
            org_name=row.org.display_name,
            subscription_id=row.pk,
            plan=row.plan_id,
            owed=row.owed or Decimal("0.00"),
            currency=row.currency,
            oldest_charge_at=row.oldest,
            since=row.past_due_since,
            ends_at=row.past_due_until,
        )
        for row in rows
    ]


def sign_ups(days: int = DAYS) -> SignUps:
    """Return who came in the last days, today included. Two queries."""
    today = now().date()
    every_day = tuple(today - timedelta(days=days - 1 - number) for number in range(days))

    def counted(rows: QuerySet[Any]) -> tuple[int, ...]:
        found = dict(
            rows.filter(created_at__date__gte=every_day[0])
            .order_by()
            .values_list(TruncDate("created_at"))
            .annotate(count=Count("pk"))
        )
        return tuple(found.get(day, 0) for day in every_day)

    return SignUps(every_day, counted(Organization.objects.all()), counted(User.objects.all()))
