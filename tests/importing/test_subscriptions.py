"""Subscriptions come in the state they are in, and nothing is charged for what the predecessor billed."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import renewal
from billing.models import Payment, Subscription
from credits.choices import FOREVER
from credits.models import CreditPool
from orgbilling.importing.errors import ImportRefusedError
from orgbilling.lib.clock import database_now
from tests.importing.acme import ID, broken
from tests.importing.conftest import Predecessor, statements

pytestmark = pytest.mark.django_db


def subscribed(predecessor: Predecessor, **columns: str) -> None:
    values = {
        "subscription_plan": "'platform'",
        "monthly_price": "50",
        "org_id": f"'{ID}'",
        **columns,
    }
    names, given = ", ".join(values), ", ".join(values.values())
    predecessor.execute(f"INSERT INTO organization_subscriptions ({names}) VALUES ({given})")


@pytest.fixture
def acme(migration_files: Predecessor) -> Predecessor:
    migration_files.execute(statements("cast"))
    return migration_files


def test_a_running_period_goes_on_and_the_next_is_whole(acme: Predecessor) -> None:
    subscribed(
        acme,
        current_period_start="date_trunc('day', now()) - interval '20 days'",
        current_period_end="date_trunc('day', now()) + interval '10 days'",
    )
    outcome = acme.import_()
    assert dict(outcome.mends.rows) == {}
    kept = Subscription.objects.get(org=ID)
    assert (kept.status, kept.plan_id, kept.monthly_price) == ("active", "platform", Decimal(50))
    assert kept.current_period_end - kept.current_period_start == timedelta(days=30)
    assert CreditPool.objects.get(org=ID).spending_until == FOREVER
    end = kept.current_period_end
    renewal.bring_up(kept, end, request_id="test")
    assert kept.current_period_start == end
    assert kept.current_period_end - end >= timedelta(days=28)
    assert Payment.objects.filter(org=ID).count() == 1


def test_months_that_no_clock_brought_are_not_charged(acme: Predecessor) -> None:
    subscribed(
        acme,
        current_period_start="now() - interval '400 days'",
        current_period_end="now() - interval '370 days'",
    )
    outcome = acme.import_()
    assert dict(outcome.mends.rows) == {"period": 1}
    moment = database_now()
    kept = Subscription.objects.get(org=ID)
    assert kept.current_period_start <= moment < kept.current_period_end
    assert renewal.bring_up(kept, moment, request_id="test") == 0
    assert not Payment.objects.filter(org=ID).exists()
    assert broken() == []


def test_of_two_live_ones_that_which_lets_spend_is_kept(acme: Predecessor) -> None:
    subscribed(acme, status="'trialing'", trial_ends_at="now() + interval '5 days'")
    subscribed(acme, status="'active'", current_period_end="now() + interval '5 days'")
    subscribed(acme, status="'trialing'", trial_ends_at="now() + interval '9 days'")
    outcome = acme.import_()
    assert outcome.mends.rows["second_subscription"] == 2
    assert sorted(Subscription.objects.filter(org=ID).values_list("status", flat=True)) == [
        "active",
        "canceled",
        "canceled",
    ]


def test_a_trial_goes_on_until_its_end(acme: Predecessor) -> None:
    subscribed(acme, status="'trialing'", trial_ends_at="now() + interval '5 days'")
    acme.import_()
    kept = Subscription.objects.get(org=ID)
    assert kept.status == "trialing"
    assert kept.current_period_end == kept.trial_ends_at


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (
            {"status": "'past_due'", "current_period_end": "now() + interval '1 day'"},
            "subscription_status",
        ),
        ({"status": "'trialing'", "trial_ends_at": "now() - interval '1 day'"}, "period"),
    ],
    ids=["past due", "a trial that is over"],
)
def test_what_is_not_owed_here_is_active(
    acme: Predecessor, columns: dict[str, str], kind: str
) -> None:
    subscribed(acme, **columns)
    outcome = acme.import_()
    assert outcome.mends.rows[kind]
    kept = Subscription.objects.get(org=ID)
    assert kept.status == "active"
    assert renewal.bring_up(kept, database_now(), request_id="test") == 0


@pytest.mark.parametrize("status", ["paused", "canceled"])
def test_what_rests_or_has_ended_lets_nobody_spend(acme: Predecessor, status: str) -> None:
    subscribed(acme, status=f"'{status}'", current_period_end="now() + interval '1 day'")
    acme.import_()
    assert Subscription.objects.get(org=ID).status == status
    assert CreditPool.objects.get(org=ID).spending_until is None


def test_a_price_below_zero_is_none_and_an_unknown_cycle_a_month(acme: Predecessor) -> None:
    subscribed(
        acme,
        monthly_price="-5",
        billing_cycle="'custom'",
        current_period_end="now() + interval '1 day'",
    )
    outcome = acme.import_()
    assert dict(outcome.mends.rows) == {"price_negative": 1, "cycle": 1}
    kept = Subscription.objects.get(org=ID)
    assert (kept.monthly_price, kept.billing_cycle) == (Decimal(0), "monthly")


@pytest.mark.parametrize("price", ["0.01", "0", "NULL"])
def test_a_price_of_ones_own_is_kept_and_told(acme: Predecessor, price: str) -> None:
    acme.execute("ALTER TABLE organization_subscriptions ALTER monthly_price DROP NOT NULL")
    subscribed(acme, monthly_price=price, current_period_end="now() + interval '1 day'")
    outcome = acme.import_()
    assert dict(outcome.mends.rows) == {"price_deviates": 1}
    assert Subscription.objects.get(org=ID).monthly_price < Decimal(1)


@pytest.mark.parametrize(
    "columns",
    [
        {"current_period_end": "'9998-01-01'"},
        {"status": "'trialing'", "trial_ends_at": "now() + interval '3 years'"},
    ],
    ids=["period", "trial"],
)
def test_what_is_not_charged_for_very_long_is_told(
    acme: Predecessor, columns: dict[str, str]
) -> None:
    subscribed(acme, **columns)
    assert dict(acme.import_().mends.rows) == {"period_long": 1}


def test_overage_keeps_within_the_plan(acme: Predecessor) -> None:
    subscribed(acme, current_period_end="now() + interval '1 day'")
    acme.execute(
        "UPDATE organization_credit_pools SET allow_overage = true, overage_limit = 10^12, overage_rate = 0.02,"
        " monthly_refresh_amount = 300"
    )
    acme.import_()
    pool = CreditPool.objects.get(org=ID)
    ceiling = Subscription.objects.get(org=ID).plan.overage_ceiling
    assert (pool.allow_overage, pool.overage_limit, pool.overage_rate) == (
        True,
        ceiling,
        Decimal("0.02"),
    )
    assert pool.monthly_refresh_amount == 300
    assert pool.next_refresh_date > database_now()


def test_a_status_that_is_not_known_is_not_guessed(running_system: Predecessor) -> None:
    running_system.execute(statements("story_running"))
    running_system.execute(
        "INSERT INTO organization_subscriptions (org_id, subscription_plan, monthly_price, status)"
        " VALUES ('22222222-2222-4222-8222-222222222222', 'gold', 5, 'dormant')"
    )
    with pytest.raises(ImportRefusedError) as refused:
        running_system.import_()
    assert "the plan 'gold' is not in the catalogue here" in str(refused.value)
    assert "the status 'dormant' is not known" in str(refused.value)
