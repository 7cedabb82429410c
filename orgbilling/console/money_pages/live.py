"""What the pages that change a subscription share."""

from __future__ import annotations

from billing.errors import SubscriptionCanceled
from billing.models import Subscription
from orgbilling.console.pages import OrgPage


class LivePage(OrgPage):
    """A page about the organization's live subscription."""

    def live(self) -> Subscription:
        """The subscription, read anew.

        Raises:
            SubscriptionCanceled: there is none.
        """
        live: Subscription | None = (
            Subscription.objects.live()
            .select_related("plan", "scheduled_plan")
            .filter(org_id=self.org_id)
            .first()
        )
        if live is None:
            raise SubscriptionCanceled("There is no subscription to change. Subscribe first.")
        return live
