"""What was drawn over the pool is billed when a period ends early: reviews say how much that is."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import pool_settings
from billing.models import Payment
from billing.subscribing import Order, subscribe
from credits.deducting import deduct
from orgbilling.lib import clock
from tests.console.browsing import address, confirm, review, signed_in
from tests.ledger import ORIGIN, charge, fund, give

pytestmark = pytest.mark.django_db


@pytest.fixture
def drawn(alpha, bob):
    """Alpha's month on Hybrid, with 250 credits drawn over the pool: 2.50."""
    with clock.simulated(clock.database_now() - timedelta(days=10)):
        subscribe(organization=alpha, order=Order("hybrid"), origin=ORIGIN)
        fund(alpha, 100)
        give(alpha, bob, 100, recurring=False)
        settings = {"allow_overage": True, "overage_limit": 30_000}
        pool_settings.change(org_id=alpha.pk, values=settings, origin=ORIGIN)
    deduct(charge(alpha, bob, 350))


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("org_change_subscription", {"plan": "hybrid", "billing_cycle": "yearly"}),
        ("org_cancel_now", {"confirmation": "Test Org Alpha"}),
    ],
)
def test_the_amount_is_told_before_it_is_billed(alpha, alice, drawn, name, asked):
    client, url = signed_in(alice), address(name, alpha)
    shown = review(client, url, **asked)
    words = "The 250 credits of overage of this period are billed now, too: USD 2.50."
    assert any(words in warning for warning in shown.context["preview"].warnings)
    confirm(client, url, shown)
    assert Payment.objects.get(event__event_type="overage_charge").amount == Decimal("2.50")


def test_a_change_within_the_period_bills_no_overage(alpha, alice, drawn):
    url = address("org_change_subscription", alpha)
    shown = review(signed_in(alice), url, plan="byok", billing_cycle="monthly")
    assert not any("overage of this" in told for told in shown.context["preview"].warnings)
