"""Charges of many organizations in one call: each as it would be alone, or handed back untouched."""

import pytest
from django.db import DatabaseError, connection, transaction

from credits.errors import KeyClaimed
from credits.models import Allocation, CreditPool, Usage
from credits.suspension import suspend
from orgbilling.lib.clock import database_now
from orgbilling.lib.ids import uuid7
from tests.concurrency.threads import Elsewhere
from tests.ledger import balances, charge, fund, give, let_spend

PATIENCE_MS = 60_000


@pytest.fixture
def ready(alpha, globex, alice, bob, charlie):
    fund(alpha, 10_000)
    fund(globex, 10_000)
    let_spend(alpha)
    let_spend(globex)
    for org, user in ((alpha, alice), (alpha, bob), (globex, charlie)):
        give(org, user, 100)
    return alpha, globex


def charge_many(*charges, patience=PATIENCE_MS):
    return Usage.objects.charge_many(
        charges, usage_ids=[uuid7() for _ in charges], lock_timeout_ms=patience
    )


@pytest.mark.django_db
def test_items_of_two_organizations_in_the_order_sent(ready, alice, charlie):
    alpha, globex = ready
    wanted = [
        charge(globex, charlie, 10, "k"),
        charge(alpha, alice, 20, "k"),
        charge(alpha, alice, 30),
    ]
    done = charge_many(*wanted)
    assert [one.outcome for one in done] == ["charged"] * 3
    assert [one.remaining_credits for one in done] == [90, 80, 50]
    assert [Usage.objects.get(pk=one.usage_id).org for one in done] == [globex, alpha, alpha]
    assert balances(alpha, alice).used == 50


@pytest.mark.django_db
def test_one_that_cannot_pass_touches_no_other(ready, alice, bob, charlie):
    alpha, globex = ready
    Allocation.objects.filter(org=alpha, user=bob).update(is_active=False)
    done = charge_many(
        charge(alpha, alice, 101),
        charge(alpha, bob, 1),
        charge(globex, alice, 1),
        charge(globex, charlie, 100),
        charge(globex, charlie, 1),
    )
    assert [one and one.remaining_credits for one in done] == [None, None, None, 0, None]
    assert balances(alpha, alice).remaining == 100
    assert Usage.objects.count() == 1


def suspended(org, _user):
    suspend(org.pk, by=None)


def without_a_subscription(org, _user):
    CreditPool.objects.set_entitlement(
        org_id=org.pk, spending_until=database_now(), price_plan="platform"
    )


def due_for_a_reset(org, user):
    Allocation.objects.filter(org=org, user=user).update(
        reset_period="daily", next_reset_date=database_now()
    )


@pytest.mark.django_db
@pytest.mark.parametrize("become", [suspended, without_a_subscription, due_for_a_reset])
def test_who_may_not_spend_or_needs_the_pool_is_handed_back(ready, alice, charlie, become):
    alpha, globex = ready
    become(globex, charlie)
    done = charge_many(charge(globex, charlie, 1), charge(alpha, alice, 1))
    assert [one and one.outcome for one in done] == [None, "charged"]
    assert balances(globex, charlie).remaining == 100
    assert Usage.objects.get().org == alpha


@pytest.mark.django_db
def test_keys_used_before_and_twice_are_handed_back(ready, alice, charlie):
    alpha, globex = ready
    Usage.objects.charge(charge(alpha, alice, 5, "before"))
    done = charge_many(
        charge(alpha, alice, 5, "before"),
        charge(alpha, alice, 6, "twice"),
        charge(alpha, alice, 6, "twice"),
        charge(globex, charlie, 7, "twice"),
    )
    assert [one and one.credits_used for one in done] == [None, None, None, 7]
    assert balances(alpha, alice).used == 5


@pytest.mark.django_db
def test_each_row_says_who_asked(ready, alice, charlie):
    alpha, globex = ready
    first, second = charge(alpha, alice, 1), charge(globex, charlie, 1)
    second = second._replace(origin=second.origin._replace(actor="user:x", request_id="r2"))
    done = charge_many(first, second)
    found = [Usage.objects.get(pk=one.usage_id) for one in done]
    assert [(one.actor, one.request_id) for one in found] == [("system", "test"), ("user:x", "r2")]


@pytest.mark.django_db(transaction=True)
def test_a_key_claimed_meanwhile_undoes_all(ready, alice, bob, charlie):
    alpha, globex = ready
    with transaction.atomic():
        Usage.objects.charge(charge(alpha, alice, 10, "k"))
        wanted = charge(globex, charlie, 1), charge(alpha, bob, 10, "k")
        other = Elsewhere(lambda: charge_many(*wanted))
        assert other.is_stuck()
    assert isinstance(other.result(), KeyClaimed)
    assert Usage.objects.get().user == alice
    assert balances(globex, charlie).remaining == 100


@pytest.mark.django_db(transaction=True)
def test_it_waits_no_longer_than_it_is_told(ready, alice, charlie):
    alpha, globex = ready
    with transaction.atomic():
        Usage.objects.charge(charge(alpha, alice, 10))
        wanted = charge(globex, charlie, 1), charge(alpha, alice, 1)
        error = Elsewhere(lambda: charge_many(*wanted, patience=1)).result()
    assert isinstance(error, DatabaseError)
    assert error.__cause__.sqlstate == "55P03"
    assert balances(globex, charlie).remaining == 100


@pytest.mark.django_db(transaction=True)
def test_two_calls_in_opposite_order_wait_and_never_deadlock(ready, alice, bob, charlie):
    alpha, globex = ready
    there = charge(alpha, alice, 1), charge(alpha, bob, 1), charge(globex, charlie, 1)
    with transaction.atomic():
        charge_many(*there)
        other = Elsewhere(lambda: charge_many(*reversed(there)))
        assert other.is_stuck()
    assert [one.remaining_credits for one in other.result()] == [98, 98, 98]


@pytest.mark.django_db
def test_the_door_is_closed_behind_it(ready, alice):
    charge_many(charge(ready[0], alice, 1))
    with pytest.raises(DatabaseError, match="outside the ledger functions"), transaction.atomic():
        Allocation.objects.update(remaining_credits=5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('orgbilling.door', true)")
        assert cursor.fetchone() == ("",)
