"""Reading the plan catalogue."""

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models

from orgbilling.lib.errors import InvalidRequest

if TYPE_CHECKING:
    from billing.models.plan import Plan


class PlanManager(models.Manager["Plan"]):
    """The catalogue; it is written by migrations and by the console."""

    def offered(self) -> "models.QuerySet[Plan]":
        """The plans that can be subscribed to."""
        return self.filter(is_active=True)

    def choose(self, code: str) -> "Plan":
        """Return the plan that somebody wants to subscribe to.

        Raises InvalidRequest (field `subscription_plan`) for one that isn't offered any more.
        """
        plan = self.filter(code=code, is_active=True).first()
        if plan is None:
            msg = f"The plan {code} isn't offered."
            raise InvalidRequest("subscription_plan", msg, "not_offered")
        return plan

    def list_credit_price(self) -> Decimal:
        """The price of a credit without a subscription: never below what a subscriber pays."""
        highest = self.aggregate(price=models.Max("credit_price"))["price"]
        return Decimal(highest)
