"""`manage.py verify_ledger`: what it says, where, and with which status."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from billing.verification import BILLING
from credits.verification import LEDGER, snapshot
from tests.ledger import give

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = len(LEDGER) + len(BILLING)


def run(*args, **options):
    """Its output, its progress, and the status that it ends with."""
    out, progress = StringIO(), StringIO()
    try:
        call_command("verify_ledger", *args, stdout=out, stderr=progress, **options)
    except CommandError as exc:
        return out.getvalue(), progress.getvalue(), exc.returncode
    return out.getvalue(), progress.getvalue(), 0


@pytest.fixture
def corrupt(funded, alice):
    """Alice's allocation has 7 more than it should, through the door."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('orgbilling.door', 'open', true)")
        cursor.execute(
            "UPDATE user_credit_allocations SET remaining_credits = remaining_credits + 7"
            " WHERE org_id = %s AND user_id = %s RETURNING id",
            [funded.pk, alice.pk],
        )
        return cursor.fetchone()[0]


def test_a_clean_ledger(funded, globex):
    out, progress, status = run()
    assert status == 0
    assert f"All {NUMBER} equations hold" in out
    assert f"{NUMBER}/{NUMBER}" in progress
    assert run(funded.name, str(globex.pk))[2] == 0


def test_a_violation_is_named_with_its_first_row(funded, globex, corrupt):
    out, progress, status = run()
    assert status == 1
    row = f"organization {funded.pk}, user_credit_allocations {corrupt}"
    assert f"allocation_remaining: {row}: expected 1000, found 1007" in out
    assert "conservation" in out
    assert "1 broken" in progress
    assert run(globex.name)[2] == 0
    assert run(funded.name)[2] == 1


def test_as_json(funded, corrupt):
    out, progress, status = run(json=True, verbosity=0)
    report = json.loads(out)
    assert (status, progress, report["ok"]) == (1, "", False)
    assert len(report["checks"]) == NUMBER
    found = {one["check"]: one for one in report["violations"]}
    assert found["allocation_remaining"] == {
        "check": "allocation_remaining",
        "org_id": str(funded.pk),
        "table": "user_credit_allocations",
        "row_id": str(corrupt),
        "expected": "1000",
        "found": "1007",
        "rows": 1,
    }
    assert set(found) == {"allocation_remaining", "conservation"}


@pytest.mark.parametrize("name", ["nobody", "0193b1a0-0000-7000-8000-00000000dead"])
def test_an_unknown_organization_is_a_mistake_of_usage(db, name):
    assert run(name)[2] == 2


def test_names_are_unique_and_say_something():
    checks = (*LEDGER, *BILLING)
    assert len({check.name for check in checks}) == NUMBER
    assert all(check.says.endswith(".") for check in checks)


def test_the_snapshot_is_one_and_changes_nothing(funded, alice):
    with pytest.raises(Exception, match="read-only"), snapshot():
        give(funded, alice, 1)
    with transaction.atomic(), pytest.raises(RuntimeError), snapshot():
        pass
    with snapshot(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("repeatable read",)
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
