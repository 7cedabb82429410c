"""What holds against whoever writes SQL by hand: history, payments, constraints, no cascade."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F, ProtectedError

from billing.models import BillingEvent, BillingSummary, Payment, Subscription
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from orgbilling.lib.clock import now
from orgbilling.lib.ids import uuid7
from orgbilling.lib.sqlstate import of
from tests.billing.conftest import ORIGIN


@pytest.fixture
def history(alpha, subscribed):
    """Alpha with a subscription, a grant and a purchase on account."""
    subscription = subscribed(alpha)
    add_at_named_price(org_id=alpha.id, parcel=Parcel(10), origin=ORIGIN)
    buy_on_account(organization=alpha, parcel=Parcel(100), origin=ORIGIN)
    return subscription


def refused(sql: str) -> str | None:
    """Run the statement; the SQLSTATE with which it was refused, None when it passed."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(sql)
    except DatabaseError as exc:
        return of(exc)
    return None


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE org_billing_history SET amount = 0",
        "UPDATE org_billing_history SET notes = 'rewritten'",
        "UPDATE org_billing_history SET amount = 0 WHERE false",
        "DELETE FROM org_billing_history",
        "TRUNCATE org_billing_history CASCADE",
        "UPDATE payments SET amount = 0.01",
        "UPDATE payments SET event_id = id",
        "DELETE FROM payments",
        "TRUNCATE payments CASCADE",
    ],
)
def test_history_is_only_added_to_even_by_hand(history, sql):
    before = list(BillingEvent.objects.values_list().order_by("id"))
    assert refused(sql) == "OB020"
    assert list(BillingEvent.objects.values_list().order_by("id")) == before


def test_history_is_only_added_to_by_the_orm_too(history):
    event = BillingEvent.objects.first()
    event.amount = 1
    with pytest.raises(DatabaseError), transaction.atomic():
        event.save()
    with pytest.raises(DatabaseError), transaction.atomic():
        BillingEvent.objects.filter(org=history.org).delete()


def test_what_becomes_of_a_payment_may_be_written(history):
    moment = now()
    sql = f"UPDATE payments SET status = 'paid', paid_at = '{moment.isoformat()}'"
    assert refused(sql) is None
    assert set(Payment.objects.values_list("status", flat=True)) == {"paid"}


def test_deleting_an_organization_never_wipes_its_history(alpha, history):
    count = BillingEvent.objects.count()
    with pytest.raises(ProtectedError):
        alpha.delete()
    assert refused(f"DELETE FROM organizations WHERE id = '{alpha.id}'") == "23503"
    assert refused("TRUNCATE organizations CASCADE") == "OB020"
    assert BillingEvent.objects.count() == count == 3
    with pytest.raises(ProtectedError):
        history.delete()
    assert refused(f"DELETE FROM organization_subscriptions WHERE id = '{history.id}'") == "23503"


def test_an_event_cannot_point_into_another_organization(alpha, globex, history, subscribed):
    with pytest.raises(IntegrityError), transaction.atomic():
        BillingEvent.objects.record(
            org_id=globex.id,
            origin=ORIGIN,
            moment=now(),
            subscription_id=history.id,
            event_type="subscription_canceled",
        )
    event = BillingEvent.objects.filter(org=alpha).first()
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.create(
            org_id=globex.id,
            event_id=event.id,
            amount=1,
            created_at=now(),
            updated_at=now(),
        )


@pytest.mark.parametrize(
    "values",
    [
        {"monthly_price": -5},
        {"status": "expired"},
        {"billing_cycle": "weekly"},
        {"current_period_end": F("current_period_start")},
        {"current_period_end": F("current_period_start") - timedelta(seconds=1)},
        {"status": "canceled"},
        {"status": "trialing"},
        {"yearly_months": 0},
        {"plan_id": "enterprise"},
        {"scheduled_plan_id": "enterprise"},
        {"scheduled_cycle": "weekly"},
        {"currency": "usd"},
    ],
)
def test_a_wrong_subscription_cannot_be_written_by_hand(history, values):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.filter(id=history.id).update(**values)


@pytest.mark.parametrize("first", ["trialing", "active", "past_due", "paused"])
@pytest.mark.parametrize("second", ["trialing", "active", "past_due", "paused"])
def test_two_live_subscriptions_cannot_be_written_by_hand(alpha, subscribed, first, second):
    one = subscribed(alpha, trial_days=3)
    Subscription.objects.filter(id=one.id).update(status=first)
    one.id, one.status = uuid7(), second
    with pytest.raises(IntegrityError), transaction.atomic():
        one.save(force_insert=True)


def test_a_negative_amount_cannot_be_recorded(alpha, history):
    with pytest.raises(IntegrityError), transaction.atomic():
        BillingEvent.objects.record(
            org_id=alpha.id,
            origin=ORIGIN,
            moment=now(),
            subscription=history,
            event_type="subscription_upgraded",
            amount=-1,
        )


def test_a_paid_payment_has_a_date_and_only_it(history):
    assert refused("UPDATE payments SET status = 'paid'") == "23514"
    assert refused("UPDATE payments SET paid_at = now()") == "23514"
    assert refused("UPDATE payments SET status = 'lost'") == "23514"


def test_a_view_is_only_read(history):
    row = BillingSummary.objects.get(org_id=history.org_id)
    with pytest.raises(TypeError):
        row.save()
    with pytest.raises(TypeError):
        BillingSummary.objects.create(org_name="x")
