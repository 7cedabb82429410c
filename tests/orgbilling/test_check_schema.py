"""``manage.py check_schema`` finds what is missing, and says what it is."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

pytestmark = pytest.mark.django_db


def test_everything_is_in_place():
    said = StringIO()
    call_command("check_schema", json=True, stdout=said)
    report = json.loads(said.getvalue())
    assert report["ok"]
    kinds = {finding["kind"] for finding in report["findings"]}
    assert kinds == {
        "table",
        "function",
        "view",
        "constraint",
        "index",
        "generated column",
        "trigger",
        "locking",
    }
    assert len(report["findings"]) > 150


@pytest.mark.parametrize(
    ("sabotage", "named"),
    [
        ("DROP VIEW v_user_credit_status", "view v_user_credit_status (missing)"),
        ("DROP TABLE idempotency_answers CASCADE", "table idempotency_answers (missing)"),
        (
            "DROP FUNCTION has_sufficient_credits(uuid, uuid, bigint)",
            "function has_sufficient_credits (missing)",
        ),
        (
            "CREATE FUNCTION has_sufficient_credits(uuid, uuid, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
            "function has_sufficient_credits (overloaded",
        ),
        (
            "CREATE OR REPLACE FUNCTION billing_now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()'",
            "function billing_now (differs from credits/sql/functions/billing_now_v01.sql)",
        ),
        ("DROP INDEX usage_org_newest_idx", "index usage_org_newest_idx (missing)"),
        (
            "ALTER TABLE user_credit_allocations DROP CONSTRAINT allocation_balances_not_negative",
            "constraint allocation_balances_not_negative (missing)",
        ),
        (
            "DROP INDEX usage_org_key_uniq",
            "constraint usage_org_key_uniq (missing)",
        ),
        (
            "ALTER TABLE user_credit_allocations DROP CONSTRAINT allocation_active_member_fk",
            "constraint allocation_active_member_fk (missing)",
        ),
        (
            "ALTER TABLE credit_journal DISABLE TRIGGER journal_append_only",
            "trigger journal_append_only (disabled)",
        ),
        (
            "ALTER TABLE organization_credit_pools ALTER COLUMN available_credits DROP EXPRESSION",
            "generated column organization_credit_pools.available_credits (missing)",
        ),
    ],
)
def test_what_is_missing_is_named(sabotage, named):
    with connection.cursor() as cursor:
        cursor.execute(sabotage)
    with pytest.raises(CommandError) as failed:
        call_command("check_schema", stdout=StringIO())
    assert named in str(failed.value)


def test_a_lost_lock_is_named():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('close_allocation'::regproc)")
        source = cursor.fetchone()[0]
        assert "FOR NO KEY UPDATE" in source
        cursor.execute(source.replace("FOR NO KEY UPDATE", "", 1))
    with pytest.raises(CommandError, match=r"locking close_allocation: pool, then allocation"):
        call_command("check_schema", stdout=StringIO())
