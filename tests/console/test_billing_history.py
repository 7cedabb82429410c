"""The billing history's page."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import BillingEvent
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from billing.subscribing import Order, subscribe
from credits.models import CreditPool
from orgbilling.lib import clock
from tests.console.browsing import address, signed_in, text_of
from tests.ledger import ORIGIN

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)


def grants(organization, count, at=NIGHT, credits=7):
    for number in range(count):
        with clock.simulated(at + timedelta(seconds=number)):
            add_at_named_price(org_id=organization.pk, parcel=Parcel(credits), origin=ORIGIN)


def test_events_are_told_in_words_with_their_payment(alpha, alice):
    CreditPool.objects.filter(org=alpha).update(account_limit=1000)
    subscribe(organization=alpha, order=Order("hybrid", "yearly"), origin=ORIGIN)
    buy_on_account(organization=alpha, parcel=Parcel(500, reference="PO-7"), origin=ORIGIN)
    page = text_of(signed_in(alice).get(address("org_billing_history", alpha)))
    for words in (
        "Subscription created",
        "Hybrid, yearly",
        "USD 990.00",
        "Credit purchase",
        "500 credits · PO-7",
        "To be paid",
    ):
        assert words in page


def test_it_is_filtered_by_kind_payment_and_day_in_the_organizations_zone(alpha, alice):
    alpha.timezone = "Europe/Berlin"
    alpha.save(update_fields=["timezone"])
    grants(alpha, 1)
    subscribe(organization=alpha, order=Order("platform"), origin=ORIGIN)
    client, url = signed_in(alice), address("org_billing_history", alpha)
    for asked, grant, subscribed in (
        ({}, True, True),
        ({"event_type": "credit_grant"}, True, False),
        ({"status": "pending"}, False, True),
        ({"start": "2026-04-01", "end": "2026-04-01"}, True, False),
        ({"start": "2026-03-31", "end": "2026-03-31"}, False, False),
        ({"start": "2026-04-02"}, False, True),
    ):
        answer = client.get(url, asked)
        kinds = {row["event"].event_type for row in answer.context["rows"]}
        assert ("credit_grant" in kinds, "subscription_created" in kinds) == (grant, subscribed)
    assert "1 Apr 2026, 01:30" in text_of(client.get(url))
    assert "Nothing of that happened" in text_of(client.get(url, {"status": "void"}))


@pytest.mark.parametrize(
    "asked",
    [
        {"start": "2026-04-02", "end": "2026-04-01"},
        {"start": "yesterday"},
        {"event_type": "x"},
        {"page": "x"},
        {"page": "9" * 30},
        {"end": "9999-12-31"},
        {"start": "0001-01-01"},
    ],
)
def test_any_filter_is_survived(alpha, alice, asked):
    grants(alpha, 1)
    assert signed_in(alice).get(address("org_billing_history", alpha), asked).status_code == 200


def test_it_is_paged_and_keeps_its_filter(alpha, alice):
    grants(alpha, 51)
    client, url = signed_in(alice), address("org_billing_history", alpha)
    first = client.get(url, {"event_type": "credit_grant"})
    assert len(first.context["rows"]) == 50
    assert "?event_type=credit_grant&amp;page=2" in text_of(first)
    second = client.get(url, {"event_type": "credit_grant", "page": 2})
    assert len(second.context["rows"]) == 1
    seen = {row["event"].pk for page in (first, second) for row in page.context["rows"]}
    assert len(seen) == 51


def test_members_and_strangers_are_refused_and_nothing_of_others_is_shown(
    alpha, globex, bob, charlie
):
    grants(alpha, 1)
    for person in (bob, charlie):
        assert signed_in(person).get(address("org_billing_history", alpha)).status_code == 403
    page = signed_in(charlie).get(address("org_billing_history", globex))
    assert page.context["rows"] == []
    assert "Nothing has happened yet" in text_of(page)
    assert BillingEvent.objects.count() == 1


def test_its_queries_are_bounded(alpha, alice):
    client, url = signed_in(alice), address("org_billing_history", alpha)
    counts = []
    for _ in range(2):
        grants(alpha, 10, at=NIGHT + timedelta(days=len(counts)))
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            client.get(url)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 12
