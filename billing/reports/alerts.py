"""What an organization should be warned of, each with the action that mends it."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Min, Sum
from django.db.models.enums import TextChoices

from billing.choices import SubscriptionStatus
from billing.models import Payment, Subscription
from credits.choices import JournalKind
from credits.errors import InsufficientCredits
from credits.models import Allocation, CreditPool, JournalEntry
from credits.reports.members import low_allocations
from credits.reports.refused import RefusalGroup, recent_refusals
from organizations.models import Organization
from orgbilling.lib.clock import now

TRIAL_DAYS: Final = 7
SHORTFALL_DAYS: Final = 30
#: Members named one by one; the rest are said as a number.
MEMBERS_NAMED: Final = 10


class Severity(TextChoices):
    """How much it matters, the most first."""

    CRITICAL = "critical", "Critical"
    WARNING = "warning", "Warning"
    INFO = "info", "Info"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that somebody should look at.

    Attributes:
        code: stable.
        action: what mends it, by a name that a page makes a link of: ``add_credits``, ``allocate:<user id>``,
            ``members``, ``pay``, ``subscribe``, ``resume``, ``upgrade``, ``undo_cancellation``, ``contact``.
    """

    code: str
    severity: Severity
    title: str
    detail: str
    action: str


def organization_alerts(org_id: uuid.UUID) -> list[Alert]:
    """Return the warnings, the most severe first. At most nine queries, whatever the organization's size.

    Raises Organization.DoesNotExist.
    """
    moment = now()
    organization = Organization.objects.get(pk=org_id)
    pool = CreditPool.objects.with_totals().filter(org_id=org_id).first()
    subscription = Subscription.objects.live().filter(org_id=org_id).first()
    found = [
        *_of_organization(organization),
        *_of_subscription(subscription, moment),
        *_of_payments(org_id, moment),
        *(() if pool is None else _of_pool(pool)),
        *_of_resets(org_id, moment),
        *_of_members(org_id, pool),
    ]
    rank = list(Severity)
    return sorted(found, key=lambda alert: rank.index(alert.severity))


def _of_organization(organization: Organization) -> Iterator[Alert]:
    if organization.is_suspended:
        yield Alert(
            "organization_suspended",
            Severity.CRITICAL,
            "The organization is suspended",
            "Nobody can spend credits until whoever runs the service reactivates it.",
            "contact",
        )


def _of_subscription(subscription: Subscription | None, moment: datetime) -> Iterator[Alert]:
    if subscription is None or subscription.has_ended_by(moment):
        yield Alert(
            "no_subscription",
            Severity.CRITICAL,
            "There is no subscription",
            "Credits can be added and allocated, but not spent.",
            "subscribe",
        )
        return
    if subscription.status == SubscriptionStatus.PAUSED:
        yield Alert(
            "subscription_paused",
            Severity.CRITICAL,
            "The subscription is paused",
            "Credits can't be spent until it is resumed.",
            "resume",
        )
    if subscription.status == SubscriptionStatus.PAST_DUE:
        until = subscription.past_due_until
        ends = f" It ends on {until:%Y-%m-%d} unless they are." if until is not None else ""
        yield Alert(
            "subscription_past_due",
            Severity.CRITICAL,
            "The subscription is past due",
            f"Charges have not been paid in time.{ends}",
            "pay",
        )
    yield from _of_coming_end(subscription, moment)


def _of_coming_end(subscription: Subscription, moment: datetime) -> Iterator[Alert]:
    trial_end = subscription.trial_ends_at
    if subscription.cancel_at_period_end:
        end = trial_end if subscription.is_trialing else subscription.current_period_end
        day = (end or subscription.current_period_end).strftime("%Y-%m-%d")
        yield Alert(
            "subscription_canceling",
            Severity.WARNING,
            f"The subscription ends on {day}",
            "After that nobody can spend credits. Until then the cancellation can be undone.",
            "undo_cancellation",
        )
        return
    if not subscription.is_trialing or trial_end is None:
        return
    left = trial_end - moment
    if left <= timedelta(days=TRIAL_DAYS):
        days = max(0, -(-left // timedelta(days=1)))
        yield Alert(
            "trial_ending",
            Severity.INFO,
            f"The trial ends in {_counted(days, 'day')}",
            "The subscription goes on as a paid one by itself, at "
            f"{subscription.period_price} {subscription.currency} a period.",
            "upgrade",
        )


def _of_payments(org_id: uuid.UUID, moment: datetime) -> Iterator[Alert]:
    due = moment - timedelta(days=settings.PAYMENT_TERMS_DAYS)
    unpaid = Payment.objects.pending().filter(org_id=org_id, created_at__lte=due)
    sums = unpaid.aggregate(
        owed=Sum("amount"), count=Count("pk"), oldest=Min("created_at"), currency=Min("currency")
    )
    if sums["count"]:
        yield Alert(
            "payments_overdue",
            Severity.WARNING,
            f"{sums['owed']} {sums['currency']} is overdue",
            f"{_counted(sums['count'], 'charge')} unpaid after {settings.PAYMENT_TERMS_DAYS} days, "
            f"the oldest of {sums['oldest']:%Y-%m-%d}.",
            "pay",
        )


def _of_pool(pool: CreditPool) -> Iterator[Alert]:
    level = pool.alert_level
    if level.is_low:
        yield Alert(
            "pool_low",
            Severity.WARNING,
            f"{level.left} credits are available",
            f"The pool is below its alert threshold of {level.threshold}.",
            "add_credits",
        )


def _of_resets(org_id: uuid.UUID, moment: datetime) -> Iterator[Alert]:
    short = JournalEntry.objects.filter(
        org_id=org_id,
        kind=JournalKind.RESET,
        shortfall_credits__gt=0,
        created_at__gte=moment - timedelta(days=SHORTFALL_DAYS),
    ).aggregate(credits=Sum("shortfall_credits"), members=Count("allocation", distinct=True))
    if short["members"]:
        yield Alert(
            "reset_shortfall",
            Severity.WARNING,
            f"Resets were {int(short['credits'])} credits short",
            f"In the last {SHORTFALL_DAYS} days the pool could not fill up "
            f"{_counted(short['members'], 'member')} to the budget.",
            "add_credits",
        )


def _of_members(org_id: uuid.UUID, pool: CreditPool | None) -> Iterator[Alert]:
    empty = pool is None or pool.current_available_credits <= 0
    refused = {
        group.user_id: group
        for group in reversed(recent_refusals(org_id))
        if group.code == InsufficientCredits.code and group.user_id is not None
    }
    for group in sorted(refused.values(), key=lambda group: group.last_at, reverse=True)[
        :MEMBERS_NAMED
    ]:
        yield _refused(group, "add_credits" if empty else f"allocate:{group.user_id}")
    low = low_allocations(org_id).exclude(user_id__in=list(refused))
    named = list(low[: MEMBERS_NAMED + 1])
    for allocation in named[:MEMBERS_NAMED]:
        yield _low(allocation, "add_credits" if empty else f"allocate:{allocation.user_id}")
    if len(named) > MEMBERS_NAMED:
        yield Alert(
            "allocations_low",
            Severity.INFO,
            "More members have little left",
            f"{low.count() - MEMBERS_NAMED} others are at or below their alert thresholds.",
            "members",
        )


def _refused(group: RefusalGroup, action: str) -> Alert:
    return Alert(
        "member_refused",
        Severity.WARNING,
        f"{group.name or group.email or 'Somebody'} was refused {_counted(group.count, 'time')}",
        f"Too few credits for {group.service_name or 'a service'}, the last time on "
        f"{group.last_at:%Y-%m-%d at %H:%M} UTC.",
        action,
    )


def _low(allocation: Allocation, action: str) -> Alert:
    level = allocation.alert_level
    reset = allocation.next_reset_date
    again = f" The next reset is on {reset:%Y-%m-%d}." if reset is not None else ""
    return Alert(
        "allocation_low",
        Severity.WARNING if level.left == 0 else Severity.INFO,
        f"{allocation.user.get_full_name()} has {level.left} of {level.whole} credits left",
        f"That is at or below the alert threshold of {level.threshold}.{again}",
        action,
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
