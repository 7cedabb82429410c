"""Tables and views of the billing app."""

from billing.models.history import BillingEvent
from billing.models.payment import Payment
from billing.models.plan import Plan
from billing.models.reports import BillingSummary
from billing.models.subscription import Subscription

__all__ = ["BillingEvent", "BillingSummary", "Payment", "Plan", "Subscription"]
