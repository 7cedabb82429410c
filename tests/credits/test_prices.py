"""The price catalogue: versions that take effect at a time, and a past that stays."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from credits.checking import check
from credits.deducting import deduct
from credits.functions import Charge
from credits.holding import HoldOrder, place
from credits.models import CreditPool, Price, Usage
from orgbilling.lib.clock import simulated
from orgbilling.lib.errors import InvalidRequest, NotFound
from tests.ledger import ORIGIN, let_spend

NOW = datetime(2027, 6, 1, tzinfo=UTC)


@pytest.fixture
def dearer(funded):
    """From 2 June on an enrichment costs 60, 5 and 55."""
    with simulated(NOW):
        return Price.objects.add_version(
            service_name="company_enrichment",
            platform_credits=60,
            byok_credits=5,
            hybrid_credits=55,
            effective_from=NOW + timedelta(days=1),
        )


def priced(org, user, quantity=2, service="company_enrichment"):
    return Charge(org.pk, user.pk, service, None, quantity, None, {}, ORIGIN)


def test_a_new_version_holds_from_its_moment_on(funded, alice, dearer):
    assert dearer.version == 2
    with simulated(NOW + timedelta(hours=23)):
        assert deduct(priced(funded, alice)).charged.credits_used == 100
    with simulated(NOW + timedelta(days=1)):
        charged = deduct(priced(funded, alice)).charged
    assert (charged.credits_used, charged.unit_price, charged.price_version) == (120, 60, 2)
    rows = Usage.objects.order_by("id").values_list("unit_price", "quantity", "price_version")
    assert list(rows) == [(50, 2, 1), (60, 2, 2)]


@pytest.mark.parametrize(("plan", "cost"), [("platform", 60), ("byok", 5), ("hybrid", 55)])
def test_each_plan_pays_its_own_price(funded, alice, dearer, plan, cost):
    with simulated(NOW + timedelta(days=2)):
        let_spend(funded, plan)
        assert (
            check(
                org_id=funded.pk, user_id=alice.pk, quantity=1, service_name="company_enrichment"
            ).credits
            == cost
        )
        assert place(HoldOrder(priced(funded, alice, 1))).hold.credits == cost


def test_a_scheduled_plan_prices_from_its_date_on(funded, alice, dearer):
    with simulated(NOW + timedelta(days=2)):
        CreditPool.objects.set_entitlement(
            org_id=funded.pk,
            spending_until=datetime(9999, 1, 1, tzinfo=UTC),
            price_plan="platform",
            next_price_plan="byok",
            next_price_plan_at=NOW + timedelta(days=3),
        )
        assert deduct(priced(funded, alice, 1)).charged.credits_used == 60
    with simulated(NOW + timedelta(days=3)):
        assert deduct(priced(funded, alice, 1)).charged.credits_used == 5


def test_the_past_cannot_be_priced(db):
    with simulated(NOW), pytest.raises(InvalidRequest):
        Price.objects.add_version(
            service_name="bulk_export",
            platform_credits=1,
            byok_credits=1,
            hybrid_credits=1,
            effective_from=NOW - timedelta(seconds=1),
        )


def test_no_two_versions_begin_together_and_no_service_is_made_up(dearer):
    again = {"platform_credits": 1, "byok_credits": 1, "hybrid_credits": 1}
    with simulated(NOW):
        with pytest.raises(InvalidRequest):
            Price.objects.add_version(
                service_name="company_enrichment", effective_from=NOW + timedelta(days=1), **again
            )
        with pytest.raises(NotFound):
            Price.objects.add_version(service_name="nothing", **again)


@pytest.mark.parametrize("change", ["update", "delete"])
def test_a_version_never_changes(dearer, change):
    rows = Price.objects.filter(pk=dearer.pk)
    with pytest.raises(DatabaseError, match="history is only added to"), transaction.atomic():
        rows.update(platform_credits=1) if change == "update" else rows.delete()
