"""In the predecessor deleting an organization deleted what it had been billed, by ON DELETE CASCADE."""

from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import CASCADE

from billing.invoicing import issue_missing
from billing.models import BillingEvent, Invoice, Payment
from billing.purchase import Parcel, add_at_named_price, buy_on_account
from billing.subscribing import Order, subscribe
from credits.deducting import deduct
from credits.models import Allocation, CreditPool, JournalEntry, Usage
from tests.concurrency.threads import attempt
from tests.ledger import ORIGIN, charge, give
from tests.regressions.teeth import both, execute, guarded_by, settle, trigger

pytestmark = pytest.mark.django_db

HISTORY = (BillingEvent, Payment, Invoice, Usage, JournalEntry, Allocation, CreditPool)

append_only = both(
    trigger("org_billing_history", "billing_history_append_only"),
    trigger("credit_usage_attribution", "usage_append_only"),
    trigger("credit_journal", "journal_append_only"),
)
stays = both(
    append_only,
    trigger("payments", "payments_stay"),
    trigger("invoices", "invoices_append_only"),
    trigger("audit_log", "audit_log_append_only"),
    trigger("organization_credit_pools", "pool_stays"),
    trigger("user_credit_allocations", "allocation_stays"),
)
no_truncate = both(
    trigger("org_billing_history", "billing_history_no_truncate"),
    trigger("payments", "payments_no_truncate"),
    trigger("invoices", "invoices_no_truncate"),
    trigger("audit_log", "audit_log_no_truncate"),
    trigger("credit_usage_attribution", "usage_no_truncate"),
    trigger("credit_journal", "journal_no_truncate"),
    trigger("credit_holds", "hold_no_truncate"),
    trigger("overage_periods", "overage_no_truncate"),
)


@contextmanager
def every_foreign_key_cascades():
    """The predecessor's schema."""
    settle()
    execute(
        r"""
        DO $$
        DECLARE
            fk record;
        BEGIN
            FOR fk IN
                SELECT conrelid::regclass AS child, conname, pg_get_constraintdef(oid) AS body
                FROM pg_constraint
                WHERE contype = 'f' AND connamespace = 'public'::regnamespace
                    AND conrelid::regclass::text !~ '^procrastinate'
            LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', fk.child, fk.conname);
                EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', fk.child, fk.conname,
                    regexp_replace(fk.body, '( DEFERRABLE|$)', ' ON DELETE CASCADE\1'));
            END LOOP;
        END
        $$
        """
    )
    yield


@contextmanager
def every_relation_cascades():
    """What the ORM would do without PROTECT."""
    with pytest.MonkeyPatch.context() as patch:
        for model in apps.get_models():
            for field in model._meta.concrete_fields:
                if field.remote_field is not None:
                    patch.setattr(field.remote_field, "on_delete", CASCADE)
        yield


@pytest.fixture
def lived(alpha, alice, bob):
    """Alpha with a row of everything."""
    subscribe(organization=alpha, order=Order("platform"), origin=ORIGIN)
    add_at_named_price(org_id=alpha.pk, parcel=Parcel(100, Decimal("1.00")), origin=ORIGIN)
    buy_on_account(organization=alpha, parcel=Parcel(100), origin=ORIGIN)
    issue_missing(alpha.pk)
    give(alpha, bob, 50)
    deduct(charge(alpha, bob, 10))
    assert all(rows().values())
    return alpha


def rows():
    return {model.__name__: model.objects.count() for model in HISTORY}


def by_hand(sql):
    """Run a statement as from psql, and see at once what its constraints say."""

    def work():
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute(sql)

    return attempt(work)


@pytest.mark.parametrize("table", ["organizations", "users", "organization_subscriptions"])
@guarded_by(foreign_keys=every_foreign_key_cascades, triggers=stays)
def test_deleting_by_hand_wipes_no_history(lived, table):
    before = rows()
    refused = by_hand(f"DELETE FROM {table}")
    assert rows() == before
    assert isinstance(refused, Exception)


@pytest.mark.parametrize("who", ["org", "user"])
@guarded_by(
    protect=every_relation_cascades,
    database=both(every_foreign_key_cascades, stays),
)
def test_deleting_by_the_orm_wipes_no_history(lived, bob, who):
    before = rows()
    refused = attempt((lived if who == "org" else bob).delete)
    assert rows() == before
    assert isinstance(refused, Exception)


@pytest.mark.parametrize("table", ["organizations", "users", "org_billing_history"])
@guarded_by(triggers=no_truncate)
def test_emptying_tables_wipes_no_history(lived, table):
    before = rows()
    by_hand(f"TRUNCATE {table} CASCADE")
    assert rows() == before


@pytest.mark.parametrize(
    "table", ["org_billing_history", "credit_usage_attribution", "credit_journal"]
)
@guarded_by(triggers=append_only)
def test_history_is_not_rewritten(lived, table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY id")
        before = cursor.fetchall()
    by_hand(f"UPDATE {table} SET request_id = 'rewritten'")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY id")
        assert cursor.fetchall() == before
