"""The subscription's page, and what its buttons do."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import BillingEvent, Payment, Plan, Subscription
from billing.subscribing import Order, subscribe
from credits.models import CreditPool
from organizations.choices import Role
from orgbilling.lib import clock
from tests.console.browsing import address, confirm, do, fields_of, review, signed_in, text_of
from tests.factories import make_member, make_user
from tests.ledger import ORIGIN, let_spend

pytestmark = pytest.mark.django_db
ACTIONS = (
    "org_subscribe",
    "org_change_subscription",
    "org_clear_schedule",
    "org_cancel_at_period_end",
    "org_keep_subscription",
    "org_cancel_now",
)


@pytest.fixture
def started(alpha):
    """A maker of Alpha's subscription, begun some days ago."""

    def make(plan="platform", days=10, **order) -> Subscription:
        with clock.simulated(clock.database_now() - timedelta(days=days)):
            return subscribe(organization=alpha, order=Order(plan, **order), origin=ORIGIN)

    return make


def amounts() -> list[Decimal]:
    rows = BillingEvent.objects.filter(amount__gt=0).order_by("created_at", "id")
    return [row.amount for row in rows]


def test_every_member_sees_the_plan_and_none_but_billing_roles_a_button(alpha, alice, bob, started):
    started()
    for person, has_buttons in ((alice, True), (bob, False)):
        page = text_of(signed_in(person).get(address("org_subscription", alpha)))
        for words in ("USD 50.00 a month", "Hybrid", "A year saves USD 198.00", "No credits"):
            assert words in page
        for words in ("Upgrade to Hybrid", "Downgrade to BYOK", "Switch to yearly", "Cancel at"):
            assert (words in page) is has_buttons, words


def test_strangers_and_members_are_refused(alpha, bob, charlie, globex, started):
    started()
    assert signed_in(charlie).get(address("org_subscription", alpha)).status_code == 403
    for person in (bob, charlie):
        for name in ACTIONS:
            client = signed_in(person)
            assert client.get(address(name, alpha)).status_code == 403
            answer = client.post(address(name, alpha), {"confirmed": "1"})
            assert answer.status_code == 403
    assert Subscription.objects.get().status == "active"


def test_without_a_subscription_it_says_what_to_do(alpha, alice, bob):
    page = text_of(signed_in(alice).get(address("org_subscription", alpha)))
    assert "Subscribe monthly" in page
    assert "Subscribe yearly" in page
    assert "An owner, admin or billing admin" in text_of(
        signed_in(bob).get(address("org_subscription", alpha))
    )


def test_subscribing_charges_what_was_shown_once(alpha, alice):
    client, url = signed_in(alice), address("org_subscribe", alpha)
    shown = review(client, url, plan="hybrid", billing_cycle="yearly")
    assert "USD 990.00" in text_of(shown)
    assert Subscription.objects.count() == 0
    done = confirm(client, url, shown)
    assert "USD 990.00 was charged" in text_of(done)
    again = confirm(client, url, shown)
    assert "USD 990.00 was charged" in text_of(again)
    assert Subscription.objects.get().plan_id == "hybrid"
    assert amounts() == [Decimal("990.00")]


def test_only_system_admins_name_a_price_or_give_a_trial(alpha, alice, system_admin):
    url = address("org_subscribe", alpha)
    named = {"plan": "platform", "billing_cycle": "monthly", "monthly_price": "1.00"}
    do(signed_in(alice), url, **named, trial_days="30")
    made = Subscription.objects.get()
    assert (made.status, made.monthly_price) == ("active", Decimal("50.00"))
    do(signed_in(alice), address("org_cancel_now", alpha), confirmation="Test Org Alpha")
    do(signed_in(system_admin), url, **named, trial_days="30")
    made = Subscription.objects.get(status="trialing")
    assert made.monthly_price == Decimal("1.00")
    page = text_of(signed_in(alice).get(address("org_subscription", alpha)))
    assert "30 days left" in page
    assert "USD 1.00 on" in page
    assert "You keep the price" in page


def test_a_catalogue_that_became_dearer_is_shown_again(alpha, alice):
    client, url = signed_in(alice), address("org_subscribe", alpha)
    shown = review(client, url, plan="platform", billing_cycle="monthly")
    Plan.objects.filter(code="platform").update(monthly_price=Decimal("60.00"))
    again = confirm(client, url, shown)
    assert "The amount has risen" in text_of(again)
    assert "USD 60.00" in text_of(again)
    assert Subscription.objects.count() == 0
    confirm(client, url, again)
    assert amounts() == [Decimal("60.00")]


def test_an_upgrade_shows_what_it_charges(alpha, alice, started):
    started(days=15)
    client, url = signed_in(alice), address("org_change_subscription", alpha)
    shown = review(client, url, plan="hybrid")
    quoted = Decimal(fields_of(shown)["quoted"])
    assert 0 < quoted < 49
    assert f"USD {quoted}" in text_of(shown)
    done = confirm(client, url, shown)
    charged = amounts()[-1]
    assert quoted - Decimal("0.01") <= charged <= quoted
    assert f"USD {charged} was charged" in text_of(done)
    assert f"USD {charged} was charged" in text_of(confirm(client, url, shown))
    assert len(amounts()) == 2
    assert Subscription.objects.get().plan_id == "hybrid"
    assert CreditPool.objects.get(org=alpha).price_plan == "hybrid"


def test_an_upgrade_that_became_dearer_is_reviewed_again(alpha, alice, started):
    started(days=15)
    client, url = signed_in(alice), address("org_change_subscription", alpha)
    shown = review(client, url, plan="hybrid")
    Plan.objects.filter(code="hybrid").update(monthly_price=Decimal("500.00"))
    again = confirm(client, url, shown)
    assert "The amount has risen" in text_of(again)
    assert Subscription.objects.get().plan_id == "platform"
    confirm(client, url, again)
    assert Subscription.objects.get().monthly_price == Decimal("500.00")


def test_nothing_is_charged_that_was_not_shown(alpha, alice, started):
    started(days=15)
    client, url = signed_in(alice), address("org_change_subscription", alpha)
    sent = {**fields_of(client.get(url)), "plan": "hybrid", "confirmed": "1"}
    assert "The amount has risen" in text_of(client.post(url, sent))
    assert amounts() == [Decimal("50.00")]


def test_a_downgrade_waits_and_can_be_cleared(alpha, alice, started):
    started("hybrid")
    client = signed_in(alice)
    done = do(client, address("org_change_subscription", alpha), plan="byok")
    assert "The change is scheduled for" in text_of(done)
    page = text_of(done)
    assert "USD 30.00 on" in page
    assert "Clear the scheduled change" in page
    do(client, address("org_clear_schedule", alpha))
    assert Subscription.objects.get().scheduled_plan_id is None
    assert amounts() == [Decimal("99.00")]
    refused = client.get(address("org_clear_schedule", alpha))
    assert "No change is scheduled" in text_of(refused)


def test_a_yearly_cycle_begins_now_and_a_monthly_one_waits(alpha, alice, started):
    started(days=15)
    client, url = signed_in(alice), address("org_change_subscription", alpha)
    shown = review(client, url, billing_cycle="yearly")
    quoted = Decimal(fields_of(shown)["quoted"])
    confirm(client, url, shown)
    assert Subscription.objects.get().billing_cycle == "yearly"
    assert abs(amounts()[-1] - quoted) <= Decimal("0.01")
    done = do(client, url, billing_cycle="monthly")
    assert "Nothing was charged" in text_of(done)
    assert Subscription.objects.get().scheduled_cycle == "monthly"


def test_asking_for_what_there_is_is_refused(alpha, alice, started):
    started()
    shown = review(signed_in(alice), address("org_change_subscription", alpha))
    assert "This is what you have" in text_of(shown)


def test_canceling_with_the_period_and_taking_it_back(alpha, alice, started):
    started()
    client = signed_in(alice)
    done = do(client, address("org_cancel_at_period_end", alpha))
    assert "Keep the subscription" in text_of(done)
    assert Subscription.objects.get().cancel_at_period_end
    assert "already" in text_of(client.get(address("org_cancel_at_period_end", alpha)))
    do(client, address("org_keep_subscription", alpha))
    assert not Subscription.objects.get().cancel_at_period_end
    assert Subscription.objects.get().status == "active"


def test_canceling_at_once_asks_for_the_name(alpha, alice, started):
    started()
    client, url = signed_in(alice), address("org_cancel_now", alpha)
    refused = review(client, url, confirmation="Globex")
    assert "Type “Test Org Alpha”" in text_of(refused)
    shown = review(client, url, confirmation="test org alpha")
    confirm(client, url, shown)
    again = confirm(client, url, shown)
    assert "is canceled" in text_of(again)
    assert Subscription.objects.get().status == "canceled"
    assert BillingEvent.objects.filter(event_type="subscription_canceled").count() == 1
    assert "There is no subscription" in text_of(
        client.get(address("org_keep_subscription", alpha))
    )


def test_a_suspended_organization_can_not_subscribe(alpha, alice):
    alpha.status = "suspended"
    alpha.save(update_fields=["status"])
    shown = review(
        signed_in(alice),
        address("org_subscribe", alpha),
        plan="platform",
        billing_cycle="monthly",
    )
    assert "is suspended" in text_of(shown)
    assert Subscription.objects.count() == 0


def test_what_is_overdue_is_said(alpha, alice, started, settings):
    settings.PAYMENT_TERMS_DAYS = 14
    started(days=20)
    do(signed_in(alice), address("org_cancel_at_period_end", alpha))
    assert Subscription.objects.get().status == "past_due"
    assert Payment.objects.get().status == "pending"
    page = text_of(signed_in(alice).get(address("org_subscription", alpha)))
    assert "A charge is overdue" in page
    assert "Past due" in page


def test_its_queries_are_bounded(alpha, alice, started):
    started()
    let_spend(alpha)
    client, url = signed_in(alice), address("org_subscription", alpha)
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for _ in range(10):
        make_member(alpha, Role.MEMBER, make_user())
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert len(many) == len(few) <= 20
