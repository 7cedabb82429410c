"""Each type of event is told by doing the thing: once, with the data that the registry promises."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import jsonschema
import pytest
from django.db import transaction

from billing import cancellation, invoicing, pausing, plan_change, renewal, settling
from billing.models import Payment, PaymentAttempt, PaymentCustomer, Subscription
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from billing.subscribing import Order, subscribe
from credits import sweeping, watching
from credits.batching import deduct_batch
from credits.deducting import deduct
from credits.departure import remove_member
from credits.holding import HoldOrder, capture, place, release
from credits.models import Allocation, CreditPool, Usage
from credits.refunding import refund
from organizations.choices import Role
from organizations.event_types import EVERYTHING, REGISTRY, SUBSCRIBABLE
from organizations.models import Member, WebhookDelivery, WebhookEndpoint, WebhookEvent
from orgbilling.lib.clock import database_now, simulated
from tests.factories import as_principal, make_user
from tests.ledger import ORIGIN, charge, fund, give

pytestmark = pytest.mark.django_db
LATER = timedelta(days=40)


class World:
    """An organization whose endpoint wants everything, and what can be done in it."""

    def __init__(self, org, alice, bob) -> None:
        self.org, self.alice, self.bob = org, alice, bob
        self.by = as_principal(alice)

    def subscribed(self) -> Subscription:
        return subscribe(organization=self.org, order=Order("platform"), origin=ORIGIN)

    def of(self, subscription: Subscription) -> dict:
        return {"org_id": self.org.pk, "subscription_id": subscription.pk, "origin": ORIGIN}

    def charged(self, credits: int = 50) -> Usage:
        deduct(charge(self.org, self.bob, credits))
        return Usage.objects.filter(org=self.org).latest("created_at")

    def held(self, credits: int = 100, ttl: int = 900):
        return place(HoldOrder(charge(self.org, self.bob, credits), ttl)).hold

    def captured(self, hold, **wanted):
        done = {"org_id": self.org.pk, "hold_id": hold.pk, "body_hash": b"1", "origin": ORIGIN}
        return capture(**done, **wanted)

    def bought(self) -> Payment:
        buy_on_account(organization=self.org, parcel=Parcel(1_000), origin=ORIGIN)
        return Payment.objects.get(org=self.org)

    def advanced(self, subscription: Subscription, at: datetime) -> None:
        with simulated(at):
            renewal.advance(org_id=self.org.pk, subscription_id=subscription.pk)

    def due_day(self, subscription: Subscription) -> datetime:
        return subscription.current_period_start + timedelta(days=15)


@pytest.fixture
def world(funded, alice, bob):
    return World(funded, alice, bob)


def low(world):
    world.charged(400)
    watching.watch()


def exhausted(world):
    world.charged(500)
    watching.watch()


def reset(world):
    with simulated(database_now() + LATER):
        sweeping.reset_due()


def expired(world):
    world.held(ttl=60)
    with simulated(database_now() + timedelta(minutes=2)):
        sweeping.expire_holds_due()


def released(world):
    held = world.held()
    for _time in range(2):
        release(org_id=world.org.pk, hold_id=held.pk, body_hash=b"r", origin=ORIGIN)


def captured(world):
    held = world.held()
    for _time in range(2):
        world.captured(held, credits=40)


def placed(world):
    order = HoldOrder(charge(world.org, world.bob, 100, "key-1"), 900)
    for _time in range(2):
        place(order)


def refunded(world):
    usage = world.charged()
    refund(org_id=world.org.pk, usage_id=usage.pk, reason="x", origin=ORIGIN)


def renewed(world):
    subscription = world.subscribed()
    settle(world)
    world.advanced(subscription, subscription.current_period_end)


def past_due(world):
    subscription = world.subscribed()
    world.advanced(subscription, world.due_day(subscription))


def paused(world):
    pausing.pause(**world.of(world.subscribed()))


def resumed(world):
    subscription = world.subscribed()
    pausing.pause(**world.of(subscription))
    pausing.resume(**world.of(subscription))


def changed(world):
    of = world.of(world.subscribed())
    plan_change.change(**of, plan="hybrid", billing_cycle=None)


def settle(world):
    for payment in list(Payment.objects.pending().filter(org=world.org)):
        settling.settle(org_id=world.org.pk, payment_id=payment.pk, origin=ORIGIN)


def issued(world):
    world.bought()
    invoicing.issue_missing(world.org.pk)
    invoicing.issue_missing(world.org.pk)


def paid(world):
    issued(world)
    settle(world)


def declined(world):
    payment = world.bought()
    PaymentCustomer.objects.create(
        org=world.org, provider="stripe", customer_id="cus_1", created_at=database_now()
    )
    moment = database_now()
    attempt = PaymentAttempt.objects.begin(
        org_id=world.org.pk, payment_id=payment.pk, provider="stripe", customer_id="cus_1",
        method_id="pm_1", moment=moment,
    )  # fmt: skip
    for _time in range(2):
        PaymentAttempt.objects.write(
            attempt, moment=moment, status="failed", failure_code="card_declined"
        )


def joined(world):
    Member.objects.add(world.org, make_user("eve@example.com"), by=world.by)


def promoted(world):
    for _time in range(2):
        Member.objects.change_role(world.org.pk, world.bob.pk, Role.ADMIN, by=world.by)


def left(world):
    remove_member(org_id=world.org.pk, user_id=world.bob.pk, by=world.by, request_id="test")


def tried(world):
    WebhookEvent.objects.send_test(WebhookEndpoint.objects.get(), by=world.by)


DOING: dict[str, Callable[[World], object]] = {
    "credits.added": lambda world: fund(world.org, 1_000),
    "credits.allocated": lambda world: give(world.org, world.bob, 100),
    "credits.reclaimed": lambda world: Allocation.objects.reclaim(
        org_id=world.org.pk, user_id=world.bob.pk, credits=100, origin=ORIGIN
    ),
    "credits.low": low,
    "credits.exhausted": exhausted,
    "credits.refused": lambda world: deduct(charge(world.org, world.bob, 10_000)),
    "credits.reset": reset,
    "credits.refunded": refunded,
    "hold.placed": placed,
    "hold.captured": captured,
    "hold.released": released,
    "hold.expired": expired,
    "subscription.created": lambda world: world.subscribed(),
    "subscription.changed": changed,
    "subscription.renewed": renewed,
    "subscription.past_due": past_due,
    "subscription.paused": paused,
    "subscription.resumed": resumed,
    "subscription.canceled": lambda world: cancellation.cancel(**world.of(world.subscribed())),
    "invoice.issued": issued,
    "invoice.paid": paid,
    "invoice.payment_failed": declined,
    "member.added": joined,
    "member.role_changed": promoted,
    "member.removed": left,
    "webhook.test": tried,
}
#: What happens to several at once: Alice's allocation and Bob's.
TWICE = {"credits.reset": 2}


def listen(org, *events) -> WebhookEndpoint:
    return WebhookEndpoint.objects.open(
        org, url="https://hooks.example.com/", events=events, by=None
    )[0]


def told(name: str) -> list[dict]:
    return list(WebhookEvent.objects.filter(type=name).values_list("data", flat=True))


@pytest.mark.parametrize("name", REGISTRY)
def test_it_is_told_once_and_its_data_is_as_promised(world, name):
    listen(world.org, *SUBSCRIBABLE)

    DOING[name](world)

    rows = told(name)
    assert len(rows) == TWICE.get(name, 1)
    known = REGISTRY[name]
    for data in rows:
        jsonschema.validate(data, known.schema(), format_checker=jsonschema.FormatChecker())
        assert set(data) == {field.name for field in known.fields}
        assert data["org_id"] == str(world.org.pk)
    assert WebhookDelivery.objects.filter(event__type=name).count() == len(rows)


@pytest.mark.parametrize("name", SUBSCRIBABLE)
def test_where_nobody_listens_nothing_is_written(world, name):
    listen(world.org, "member.added" if name != "member.added" else "hold.placed")

    DOING[name](world)

    assert told(name) == []


@pytest.mark.parametrize("known", REGISTRY.values(), ids=str)
def test_the_example_is_as_promised(known):
    example = known.example()
    jsonschema.validate(example["data"], known.schema(), format_checker=jsonschema.FormatChecker())
    assert example["type"] == known.name


def test_everything_is_all_but_what_is_asked_for_by_name(world):
    listen(world.org, EVERYTHING)
    deduct(charge(world.org, world.bob, 10_000))
    fund(world.org, 1)
    assert told("credits.refused") == []
    assert len(told("credits.added")) == 1


def test_another_organization_s_endpoint_hears_nothing(world, globex):
    listen(globex, EVERYTHING)
    fund(world.org, 1)
    assert not WebhookEvent.objects.exists()


def test_a_disabled_endpoint_hears_nothing(world):
    endpoint = listen(world.org, EVERYTHING)
    WebhookEndpoint.objects.disable(world.org.pk, endpoint.pk, by=None)
    fund(world.org, 1)
    assert not WebhookEvent.objects.exists()


def test_what_is_rolled_back_was_never_told(world):
    listen(world.org, EVERYTHING)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        fund(world.org, 1)
        raise ZeroDivisionError
    assert not WebhookEvent.objects.exists()


def test_each_endpoint_that_wants_it_has_a_delivery(world):
    wants = [listen(world.org, "credits.added"), listen(world.org, EVERYTHING)]
    listen(world.org, "hold.placed")
    fund(world.org, 1)
    told_to = set(WebhookDelivery.objects.values_list("endpoint_id", flat=True))
    assert told_to == {endpoint.pk for endpoint in wants}
    assert WebhookEvent.objects.count() == 1


def test_refusals_in_a_batch_are_told_each(world):
    listen(world.org, "credits.refused")
    asked = [charge(world.org, world.bob, credits) for credits in (10, 10_000, 20_000)]
    deduct_batch(org_id=world.org.pk, charges=asked)
    assert sorted(row["requested_credits"] for row in told("credits.refused")) == [10_000, 20_000]


def test_the_same_refusal_again_is_told_once_for_a_key(world):
    listen(world.org, "credits.refused")
    for _time in range(3):
        deduct(charge(world.org, world.bob, 10_000, "key-1"))
    assert len(told("credits.refused")) == 1


def test_an_ordinary_charge_tells_of_nothing(world):
    listen(world.org, *SUBSCRIBABLE)
    world.charged(1)
    assert not WebhookEvent.objects.exists()


def test_the_monthly_refresh_is_told_each_month(world):
    CreditPool.objects.change_settings(org_id=world.org.pk, monthly_refresh_amount=100)
    listen(world.org, EVERYTHING)
    with simulated(database_now() + timedelta(days=70)):
        sweeping.refresh_due()
    rows = told("credits.added")
    assert [row["kind"] for row in rows] == ["refresh"] * 2
    assert sorted(row["available_credits"] for row in rows) == [8_600, 8_700]


def test_a_former_member_s_refund_is_told_as_both(world):
    usage = world.charged()
    left(world)
    listen(world.org, EVERYTHING)
    refund(org_id=world.org.pk, usage_id=usage.pk, reason="x", origin=ORIGIN)
    assert [row["remaining_credits"] for row in told("credits.refunded")] == [0]
    assert [row["credits"] for row in told("credits.reclaimed")] == [50]


def test_a_part_of_a_hold_and_the_last_are_told_as_such(world):
    listen(world.org, "hold.captured")
    held = world.held(100)
    world.captured(held, credits=30, final=False)
    world.captured(held, credits=50)
    facts = [
        (row["credits"], row["captured_credits"], row["released_credits"], row["is_final"])
        for row in sorted(told("hold.captured"), key=lambda row: row["captured_credits"])
    ]
    assert facts == [(30, 30, 0, False), (50, 80, 20, True)]


def test_what_is_paid_before_it_is_invoiced_is_told_at_once(world):
    listen(world.org, "invoice.issued", "invoice.paid")
    world.bought()
    settle(world)
    (paid_before,) = told("invoice.paid")
    assert (paid_before["invoice_id"], paid_before["number"]) == (None, None)
    invoicing.issue_missing(world.org.pk)
    (issued_after,) = told("invoice.issued")
    assert issued_after["payment_id"] == paid_before["payment_id"]
    assert len(told("invoice.paid")) == 1


def test_what_is_paid_at_once_is_told_with_its_invoice(world):
    listen(world.org, "invoice.issued", "invoice.paid")
    add_at_named_price(org_id=world.org.pk, parcel=Parcel(1_000, Decimal("5.00")), origin=ORIGIN)
    assert told("invoice.paid") == []
    invoicing.issue_missing(world.org.pk)
    (data,) = told("invoice.paid")
    assert data["number"] is not None
    assert data["amount"] == "5.00"


def test_a_key_that_another_charge_claimed_tells_of_nothing(world):
    listen(world.org, "hold.placed")
    first = charge(world.org, world.bob, 10, "key-1")
    place(HoldOrder(first, 900))
    origin = first.origin._replace(body_hash=b"another")
    with pytest.raises(Exception, match="key"):
        place(HoldOrder(first._replace(origin=origin), 900))
    assert len(told("hold.placed")) == 1
