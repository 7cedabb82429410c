"""The subscription's page: what there is, what comes next, and what else there would be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from billing import renewal
from billing.choices import BillingCycle
from billing.models import Subscription
from organizations.access import Rule
from orgbilling.console.money_pages import wording
from orgbilling.console.money_pages.comparison import offers_of, services_of
from orgbilling.console.pages import OPEN, OrgPage
from orgbilling.lib import clock


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a subscription is, in words. Empty: there is nothing to say."""

    badge: wording.Badge
    price: str
    #: What is charged next.
    next_charge: str
    #: What will be another plan or cycle.
    scheduled: str
    trial_days_left: int | None


def standing_of(subscription: Subscription, moment: datetime) -> Standing:
    """The subscription's standing at that moment."""
    upcoming = renewal.next_charge(subscription)
    return Standing(
        badge=wording.SUBSCRIPTION_BADGES[subscription.status],
        price=wording.price(
            subscription.period_price, subscription.currency, subscription.billing_cycle
        ),
        next_charge="" if upcoming is None else wording.money(upcoming, subscription.currency),
        scheduled=_scheduled(subscription),
        trial_days_left=_trial_days_left(subscription, moment),
    )


class SubscriptionPage(OrgPage):
    """Everybody in the organization sees it; billing roles have the buttons."""

    title = "Subscription"
    rule: ClassVar[Rule] = OPEN
    template_name = "console/money/subscription.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the live subscription, or else the last one, and the plans."""
        moment = clock.database_now()
        mine = Subscription.objects.select_related("plan", "scheduled_plan").filter(
            org_id=self.org_id
        )
        live = mine.live().first()
        offers = offers_of(live, moment, may_choose=self.manages)
        return super().get_context_data(
            live=live,
            former=None if live is not None else mine.order_by("-created_at", "-id").first(),
            standing=standing_of(live, moment) if live is not None else None,
            offers=offers,
            services=services_of(offers, moment),
            **kwargs,
        )


def _scheduled(subscription: Subscription) -> str:
    words = []
    if subscription.scheduled_plan is not None:
        words.append(subscription.scheduled_plan.name)
    if subscription.scheduled_cycle is not None:
        words.append(f"billed {BillingCycle(subscription.scheduled_cycle).label.lower()}")
    return ", ".join(words)


def _trial_days_left(subscription: Subscription, moment: datetime) -> int | None:
    if not subscription.is_trialing or subscription.trial_ends_at is None:
        return None
    return wording.days_left(subscription.trial_ends_at, moment)
