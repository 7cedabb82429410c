"""What the tests of billing have in common."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Subscription
from billing.subscribing import Order, subscribe
from credits.functions import Origin
from organizations.models import Organization
from orgbilling.lib.clock import simulated

ORIGIN = Origin("user:test", "request-1")


def count_queries(work: Callable[[], object]) -> int:
    """How many queries the work needs once everything that is asked only once is known."""
    work()
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


@pytest.fixture
def subscribed(db: None) -> Callable[..., Subscription]:
    """A maker of subscriptions: `subscribed(org, plan, at=moment, billing_cycle=…, trial_days=…)`."""

    def make(
        organization: Organization, plan: str = "platform", at: datetime | None = None, **order
    ) -> Subscription:
        def work() -> Subscription:
            return subscribe(organization=organization, order=Order(plan, **order), origin=ORIGIN)

        if at is None:
            return work()
        with simulated(at):
            return work()

    return make
