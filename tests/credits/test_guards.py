"""What no SQL by hand can do: the database is the last line of defence."""

import uuid

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from credits.deducting import deduct
from credits.models import Allocation, CreditPool, JournalEntry, MemberAllocation
from organizations.models import Member
from tests.factories import make_member, make_organization
from tests.ledger import charge, give

pytestmark = pytest.mark.django_db


def refused(sql, *args, state):
    """Assert that a statement is refused with this SQLSTATE, at its end or by a deferred constraint."""
    with (
        pytest.raises(DatabaseError) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, args)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert caught.value.__cause__.sqlstate == state


CHECK, UNIQUE, FOREIGN_KEY = "23514", "23505", "23503"
HISTORY, DOOR = "OB020", "OB021"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE organization_credit_pools SET total_credits = total_credits + 1",
        "UPDATE organization_credit_pools SET allocated_credits = 0",
        "UPDATE organization_credit_pools SET lifetime_purchased_credits = 7",
        "UPDATE user_credit_allocations SET remaining_credits = 1000000",
        "UPDATE user_credit_allocations SET used_credits = 0",
        "UPDATE user_credit_allocations SET budget_credits = 1000000",
        "UPDATE user_credit_allocations SET lifetime_used_credits = 1",
        "DELETE FROM user_credit_allocations",
        "DELETE FROM organization_credit_pools",
    ],
)
def test_balances_have_one_door(funded, sql):
    refused(sql, state=DOOR)


def test_the_door_is_closed_behind_every_function(funded, alice):
    give(funded, alice, 10)
    refused("UPDATE user_credit_allocations SET remaining_credits = 1", state=DOOR)


def test_pools_and_allocations_are_born_empty(alpha, alice):
    other = make_organization()
    refused(
        "INSERT INTO organization_credit_pools (id, org_id, total_credits, allocated_credits, monthly_refresh_amount,"
        " allow_overage, overage_limit, overage_rate, overage_used, overage_used_period, lifetime_purchased_credits,"
        " lifetime_spent_amount, account_limit, is_suspended, created_at, updated_at)"
        " VALUES (%s, %s, 5, 0, 0, false, 0, 0, 0, 0, 0, 0, 0, false, now(), now())",
        uuid.uuid4(),
        other.pk,
        state=DOOR,
    )
    refused(
        "INSERT INTO user_credit_allocations (id, org_id, user_id, budget_credits, used_credits, held_credits,"
        " remaining_credits, lifetime_used_credits, reset_period, reset_anchor, is_active, allocated_by, notes,"
        " created_at, updated_at) VALUES (%s, %s, %s, 0, 0, 0, 5, 0, 'never', now(), true, 'x', '', now(), now())",
        uuid.uuid4(),
        alpha.pk,
        alice.pk,
        state=DOOR,
    )


def test_even_with_the_door_open_no_balance_is_impossible(funded):
    with connection.cursor() as cursor:
        cursor.execute("SET orgbilling.door = 'open'")
    for sql in (
        "UPDATE organization_credit_pools SET allocated_credits = total_credits + 1",
        "UPDATE organization_credit_pools SET allocated_credits = -1",
        "UPDATE organization_credit_pools SET total_credits = -1, allocated_credits = -1",
        "UPDATE organization_credit_pools SET overage_used_period = 1, overage_used = 1",
        "UPDATE organization_credit_pools SET overage_limit = 5, overage_used_period = 5, overage_used = 4",
        "UPDATE user_credit_allocations SET remaining_credits = -1",
        "UPDATE user_credit_allocations SET held_credits = -1",
        "UPDATE user_credit_allocations SET used_credits = -1",
        "UPDATE user_credit_allocations SET used_credits = 2, lifetime_used_credits = 1",
        "UPDATE user_credit_allocations SET next_reset_date = NULL",
    ):
        refused(sql, state=CHECK)


@pytest.mark.parametrize("table", ["credit_journal", "credit_usage_attribution"])
def test_history_is_only_added_to(funded, alice, table):
    deduct(charge(funded, alice, 5))
    with connection.cursor() as cursor:
        # TRUNCATE wants no deferred checks pending.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    refused(f"UPDATE {table} SET request_id = 'x'", state=HISTORY)
    refused(f"DELETE FROM {table}", state=HISTORY)
    refused(f"TRUNCATE {table} CASCADE", state=HISTORY)


def usage_row(org, allocation, **columns):
    """INSERT of a usage row with these columns differing from a right one."""
    row = {
        "id": uuid.uuid4(),
        "org_id": org.pk,
        "user_id": allocation.user_id,
        "allocation_id": allocation.pk,
        "credits_used": 5,
        "overage_credits": 0,
        "service_name": "x",
        "request_id": "r",
        "metadata": "{}",
        "operation": "deduct",
        "remaining_credits": 1,
        "actor": "system",
        **columns,
    }
    names = ", ".join(row)
    places = ", ".join(["%s"] * len(row))
    sql = f"INSERT INTO credit_usage_attribution ({names}, created_at) VALUES ({places}, now())"
    return sql, list(row.values())


@pytest.fixture
def open_door(funded):
    """What only the ledger's functions do; without it no row gets as far as the constraints."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('orgbilling.door', 'open', true)")


@pytest.mark.parametrize("table", ["credit_usage_attribution", "credit_journal", "credit_holds"])
def test_a_row_that_no_function_wrote_is_refused(funded, table):
    column = "credits_used" if table == "credit_usage_attribution" else "credits"
    refused(f"INSERT INTO {table} ({column}) VALUES (5)", state=DOOR)


@pytest.mark.usefixtures("open_door")
@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({"credits_used": -5}, CHECK),
        ({"operation": "refund"}, CHECK),
        ({"operation": "gift"}, CHECK),
        ({"overage_credits": 6}, CHECK),
        ({"overage_credits": -1}, CHECK),
        ({"unit_price": 2, "quantity": 2, "price_version": 1}, CHECK),
        ({"unit_price": 5}, CHECK),
        ({"remaining_credits": -1}, CHECK),
        ({"service_name": ""}, CHECK),
        ({"idempotency_key": "k"}, CHECK),
        ({"allocation_id": uuid.uuid4()}, FOREIGN_KEY),
        (
            {"operation": "refund", "credits_used": -5, "refund_of_id": uuid.uuid4()},
            FOREIGN_KEY,
        ),
    ],
)
def test_a_wrong_usage_row_is_impossible(funded, alice, columns, state):
    allocation = Allocation.objects.get(org=funded, user=alice)
    sql, args = usage_row(funded, allocation, **columns)
    refused(sql, *args, state=state)


@pytest.mark.usefixtures("open_door")
def test_a_usage_row_cant_point_into_another_organization(funded, globex, alice):
    allocation = Allocation.objects.get(org=funded, user=alice)
    sql, args = usage_row(globex, allocation)
    refused(sql, *args, state=FOREIGN_KEY)


def test_a_key_is_used_once(funded, alice):
    allocation = Allocation.objects.get(org=funded, user=alice)
    deduct(charge(funded, alice, 5, "k"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('orgbilling.door', 'open', true)")
    sql, args = usage_row(funded, allocation, idempotency_key="k", body_hash=b"h")
    refused(sql, *args, state=UNIQUE)


@pytest.mark.usefixtures("open_door")
@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"credits": 0}, CHECK),
        ({"credits": -5}, CHECK),
        ({"kind": "gift"}, CHECK),
        ({"to_bucket": "remaining"}, CHECK),
        ({"available_after": 999}, CHECK),
        ({"available_before": -5, "available_after": 0}, CHECK),
    ],
)
def test_a_wrong_journal_row_is_impossible(funded, change, state):
    row = {
        "id": uuid.uuid4(),
        "org_id": funded.pk,
        "kind": "grant",
        "from_bucket": "outside",
        "to_bucket": "available",
        "credits": 5,
        "available_before": 10,
        "available_after": 15,
        "notes": "",
        "actor": "system",
        "request_id": "r",
        **change,
    }
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    refused(
        f"INSERT INTO credit_journal ({names}, created_at) VALUES ({places}, now())",
        *row.values(),
        state=state,
    )


def test_no_active_allocation_without_a_membership(funded, bob):
    refused("DELETE FROM organization_members WHERE user_id = %s", bob.pk, state=FOREIGN_KEY)
    member = make_member(funded)
    Member.objects.filter(pk=member.pk).delete()
    refused(
        "INSERT INTO user_credit_allocations (id, org_id, user_id, budget_credits, used_credits, held_credits,"
        " remaining_credits, lifetime_used_credits, reset_period, reset_anchor, is_active, allocated_by, notes,"
        " created_at, updated_at) VALUES (%s, %s, %s, 0, 0, 0, 0, 0, 'never', now(), true, 'x', '', now(), now())",
        uuid.uuid4(),
        funded.pk,
        member.user_id,
        state=FOREIGN_KEY,
    )


def test_nothing_cascades(funded, alice):
    refused("DELETE FROM organizations WHERE id = %s", funded.pk, state=FOREIGN_KEY)
    refused("DELETE FROM users WHERE id = %s", alice.pk, state=FOREIGN_KEY)


def test_generated_columns_cant_be_written(funded):
    for sql in (
        "UPDATE organization_credit_pools SET available_credits = 1",
        "UPDATE user_credit_allocations SET allocated_credits = 1",
    ):
        with (
            pytest.raises(DatabaseError) as caught,
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
        assert isinstance(caught.value.__cause__, psycopg.errors.GeneratedAlways)


def test_journal_and_balances_tell_one_story(funded, alice):
    pool = CreditPool.objects.get(org=funded)
    entries = list(JournalEntry.objects.of(funded.pk))
    assert [entry.kind for entry in entries] == ["allocation", "allocation", "grant"]
    assert entries[0].available_after == pool.available_credits == 8_500
    assert sum(entry.credits for entry in entries if entry.to_bucket == "remaining") == 1_500


def test_views_are_read_only(funded):
    rows = MemberAllocation.objects.filter(org_id=funded.pk).order_by("-remaining_credits")
    assert [(row.user_name, row.remaining_credits) for row in rows] == [
        ("Alice", 1_000),
        ("Bob", 500),
    ]
    with pytest.raises(TypeError):
        MemberAllocation.objects.create(org_id=funded.pk)
    with pytest.raises(TypeError):
        rows[0].save()
    with pytest.raises(TypeError):
        rows[0].delete()


def test_orm_writes_of_history_are_refused_too(funded, alice):
    for rows in (JournalEntry.objects.all(), CreditPool.objects.all(), Allocation.objects.all()):
        count = rows.count()
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.delete()
        assert rows.all().count() == count > 0
