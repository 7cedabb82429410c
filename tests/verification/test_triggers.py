"""Every trigger refuses what it is there for, and says on which table."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, models, transaction

from organizations.models import Organization, User
from orgbilling.lib import sqlstate
from orgbilling.lib.ids import uuid7
from tests.verification.possible import TABLES, rows

pytestmark = pytest.mark.django_db

Rows = dict[str, models.Model]


def sql(statement: str) -> Callable[[Rows], None]:
    def run(_rows: Rows) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return run


def again(name: str) -> Callable[[Rows], None]:
    """A row written once more under another id."""

    def run(made: Rows) -> None:
        row = made[name]
        row.pk = uuid7()
        row.save(force_insert=True)

    return run


#: Trigger -> (what its message names, ways to be refused by it).
REFUSED: dict[str, tuple[str, tuple[Callable[[Rows], None], ...]]] = {
    "pool_balance_door": (
        "organization_credit_pools",
        (
            sql("UPDATE organization_credit_pools SET total_credits = total_credits + 1"),
            sql("UPDATE organization_credit_pools SET overage_used = 0"),
        ),
    ),
    "pool_born_empty": ("organization_credit_pools", (again("pool"),)),
    "pool_stays": ("organization_credit_pools", (sql("DELETE FROM organization_credit_pools"),)),
    "allocation_balance_door": (
        "user_credit_allocations",
        (
            sql("UPDATE user_credit_allocations SET remaining_credits = 1"),
            sql("UPDATE user_credit_allocations SET held_credits = 0"),
        ),
    ),
    "allocation_born_empty": ("user_credit_allocations", (again("allocation"),)),
    "allocation_stays": ("user_credit_allocations", (sql("DELETE FROM user_credit_allocations"),)),
    "journal_append_only": (
        "credit_journal",
        (sql("UPDATE credit_journal SET notes = 'x'"), sql("DELETE FROM credit_journal")),
    ),
    "journal_no_truncate": ("credit_journal", (sql("TRUNCATE credit_journal"),)),
    "journal_door": ("credit_journal", (again("grant"),)),
    "usage_append_only": (
        "credit_usage_attribution",
        (
            sql("UPDATE credit_usage_attribution SET request_id = 'x'"),
            sql("DELETE FROM credit_usage_attribution"),
        ),
    ),
    "usage_no_truncate": ("credit_usage_attribution", (sql("TRUNCATE credit_usage_attribution"),)),
    "usage_door": ("credit_usage_attribution", (again("charge"),)),
    "hold_settles_once": (
        "a hold",
        (
            sql("UPDATE credit_holds SET status = 'pending' WHERE status = 'captured'"),
            sql("UPDATE credit_holds SET credits = credits + 1 WHERE status = 'pending'"),
        ),
    ),
    "hold_stays": ("a hold", (sql("DELETE FROM credit_holds"),)),
    "hold_no_truncate": ("a hold", (sql("TRUNCATE credit_holds CASCADE"),)),
    "hold_door": ("credit_holds", (again("pending"),)),
    "overage_append_only": (
        "overage_periods",
        (sql("UPDATE overage_periods SET credits = 1"), sql("DELETE FROM overage_periods")),
    ),
    "overage_no_truncate": ("overage_periods", (sql("TRUNCATE overage_periods CASCADE"),)),
    "overage_door": ("overage_periods", (again("overage"),)),
    "price_append_only": (
        "service_prices",
        (sql("UPDATE service_prices SET platform_credits = 1"), sql("DELETE FROM service_prices")),
    ),
    "price_no_truncate": ("service_prices", (sql("TRUNCATE service_prices CASCADE"),)),
    "billing_history_append_only": (
        "org_billing_history",
        (sql("UPDATE org_billing_history SET amount = 0"), sql("DELETE FROM org_billing_history")),
    ),
    "billing_history_no_truncate": (
        "org_billing_history",
        (sql("TRUNCATE org_billing_history CASCADE"),),
    ),
    "audit_log_append_only": (
        "audit_log",
        (sql("UPDATE audit_log SET reason = 'x'"), sql("DELETE FROM audit_log")),
    ),
    "audit_log_no_truncate": ("audit_log", (sql("TRUNCATE audit_log"),)),
    "invoices_append_only": (
        "invoices",
        (sql("UPDATE invoices SET number = 9"), sql("DELETE FROM invoices WHERE number = 0")),
    ),
    "invoices_no_truncate": ("invoices", (sql("TRUNCATE invoices"),)),
    "payments_amount_stays": ("payments", (sql("UPDATE payments SET amount = 1"),)),
    "payments_stay": ("payments", (sql("DELETE FROM payments"),)),
    "payments_no_truncate": ("payments", (sql("TRUNCATE payments CASCADE"),)),
}


def test_every_trigger_is_here() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY(%s)",
            [list(TABLES)],
        )
        # This one refuses nothing: tests/concurrency/test_rollups.py has what it is for.
        assert {name for (name,) in cursor.fetchall()} == set(REFUSED) | {"usage_late"}


@pytest.mark.parametrize("trigger", REFUSED)
def test_a_trigger_refuses(alpha: Organization, alice: User, trigger: str) -> None:
    made = rows(alpha, alice)
    named, ways = REFUSED[trigger]
    with connection.cursor() as cursor:
        for one in TABLES:
            cursor.execute(f"ALTER TABLE {one} ENABLE TRIGGER USER")
    for way in ways:
        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            way(made)
        assert sqlstate.of(caught.value) in {"OB020", "OB021"}
        assert named in str(caught.value)
