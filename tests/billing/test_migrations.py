"""The migrations go down and up again."""

from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection

from billing.models import Plan

TABLES = {
    "plans",
    "organization_subscriptions",
    "org_billing_history",
    "payments",
    "ledger_checks",
    "backup_runs",
    "invoices",
    "billing_details",
    "payment_attempts",
    "payment_customers",
    "payment_webhook_events",
}
OBJECTS = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'v')
    UNION ALL
    SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'public'
"""


def objects() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(OBJECTS)
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_down_leaves_nothing_and_up_brings_all_of_it_back():
    before = objects()
    try:
        call_command("migrate", "billing", "zero", verbosity=0)
        gone = before - objects()
    finally:
        call_command("migrate", "billing", verbosity=0)
    assert gone == TABLES | {
        "v_audit",
        "v_org_billing_summary",
        "refuse_billing_history_change",
        "refuse_payment_change",
        "refuse_invoice_change",
    }
    assert objects() == before
    prices = dict(Plan.objects.values_list("code", "monthly_price"))
    assert prices == {
        "platform": Decimal("50.00"),
        "byok": Decimal("30.00"),
        "hybrid": Decimal("99.00"),
    }
