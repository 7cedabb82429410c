"""Subscriptions, history, dashboards and catalogues."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from orgbilling_client._sync.sender import Sender
from orgbilling_client.calls import Id
from orgbilling_client.models.billing import HistoryEvent, Plan, Price, Subscription
from orgbilling_client.models.dashboards import OrgDashboard, SystemDashboard, UserDashboard
from orgbilling_client.paging import PAGE_SIZE
from orgbilling_client.requests import billing
from orgbilling_client.requests.billing import BillingCycle, Money, PlanName


class Billing(Sender):
    """What an organization pays, and what it has paid."""

    def subscribe(
        self,
        plan: PlanName,
        *,
        billing_cycle: BillingCycle | None = None,
        trial_days: int | None = None,
        monthly_price: Money | None = None,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Subscription:
        """Begin a subscription.

        Args:
            billing_cycle: ``monthly`` unless told otherwise.
            trial_days: 0 to 90; 0 unless told otherwise.
            monthly_price: a system administrator's alone.

        Raises:
            SubscriptionExists: there is a live one.
        """
        call = billing.subscribe(
            self._org(org_id),
            plan,
            billing_cycle=billing_cycle,
            trial_days=trial_days,
            monthly_price=monthly_price,
            key=idempotency_key,
        )
        return self._send(call)

    def subscription(self, subscription_id: Id) -> Subscription:
        """Look at a subscription."""
        return self._send(billing.subscription(subscription_id))

    def subscriptions(
        self, *, org_id: Id | None = None, page_size: int = PAGE_SIZE
    ) -> Iterator[Subscription]:
        """Go through an organization's subscriptions, newest first."""
        return self._pages(billing.subscriptions(self._org(org_id), page_size))

    def change_subscription(
        self,
        subscription_id: Id,
        *,
        plan: PlanName | None = None,
        billing_cycle: BillingCycle | None = None,
        cancel_at_period_end: bool | None = None,
    ) -> Subscription:
        """Change a subscription: an upgrade at once, a downgrade with the end of the period.

        Raises:
            SubscriptionCanceled: it has ended.
        """
        call = billing.change_subscription(
            subscription_id,
            plan=plan,
            billing_cycle=billing_cycle,
            cancel_at_period_end=cancel_at_period_end,
        )
        return self._send(call)

    def cancel_subscription(
        self, subscription_id: Id, *, at_period_end: bool = False
    ) -> Subscription:
        """End a subscription, at once or with its period.

        Raises:
            SubscriptionCanceled: it has ended before.
        """
        return self._send(billing.cancel_subscription(subscription_id, at_period_end=at_period_end))

    def history(
        self,
        *,
        event_type: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        org_id: Id | None = None,
        page_size: int = PAGE_SIZE,
    ) -> Iterator[HistoryEvent]:
        """Go through an organization's billing history, newest first.

        Args:
            start, end: times with their time zone.
        """
        call = billing.history(
            self._org(org_id), event_type=event_type, start=start, end=end, page_size=page_size
        )
        return self._pages(call)

    def org_dashboard(self, org_id: Id | None = None) -> OrgDashboard:
        """Look at an organization as its dashboard shows it."""
        return self._send(billing.org_dashboard(self._org(org_id)))

    def user_dashboard(self) -> UserDashboard:
        """Look at the caller's own dashboard; for tokens of people, not for API keys."""
        return self._send(billing.user_dashboard())

    def system_dashboard(self) -> SystemDashboard:
        """Look at all organizations together; for keys of all organizations."""
        return self._send(billing.system_dashboard())

    def plans(self, *, page_size: int = PAGE_SIZE) -> Iterator[Plan]:
        """Go through the plans that can be subscribed to."""
        return self._pages(billing.plans(page_size))

    def prices(self, *, page_size: int = PAGE_SIZE) -> Iterator[Price]:
        """Go through the price catalogue: what one of each service costs."""
        return self._pages(billing.prices(page_size))
