"""Migrations go up and down again, over live rows, and change nothing that the models don't say."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from credits import watching
from credits.choices import FOREVER
from credits.deducting import deduct
from credits.models import Allocation, CreditPool, LowCreditEpisode
from organizations.models import Notice
from tests.ledger import ORIGIN, charge, fund


def test_models_and_migrations_agree(db):
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


@pytest.mark.django_db(transaction=True)
def test_functions_guards_and_views_go_down_and_up_over_live_rows(alpha, alice):
    fund(alpha, 1_000)
    CreditPool.objects.set_entitlement(
        org_id=alpha.pk, spending_until=FOREVER, price_plan="platform"
    )
    Allocation.objects.allocate(org_id=alpha.pk, user_id=alice.pk, credits=100, origin=ORIGIN)
    try:
        call_command("migrate", "billing", "zero", verbosity=0, lose_data=True)
        call_command("migrate", "credits", "0001", verbosity=0, lose_data=True)
        # That of the organizations, which stay.
        assert functions() == {"record_event", "refuse_audit_change", "rfc3339"}
    finally:
        call_command("migrate", verbosity=0)
    assert "deduct_credits" in functions()
    call_command("check_schema", stdout=StringIO())
    assert Allocation.objects.get(org=alpha).remaining_credits == 100
    assert CreditPool.objects.get(org=alpha).available_credits == 900


@pytest.mark.django_db(transaction=True)
def test_everything_of_ours_goes_down_to_nothing_and_up():
    try:
        for app in ("admin", "billing", "credits", "organizations", "web"):
            call_command("migrate", app, "zero", verbosity=0, lose_data=True)
        left = set(connection.introspection.table_names())
        theirs = ("django_", "auth_", "procrastinate_")
        assert not {name for name in left if not name.startswith(theirs)}
        assert functions() == set()
    finally:
        call_command("migrate", verbosity=0)
    call_command("check_schema", stdout=StringIO())


@pytest.mark.django_db(transaction=True)
def test_what_is_low_on_the_day_of_the_upgrade_is_not_told(funded, bob):
    deduct(charge(funded, bob, 450))
    try:
        call_command("migrate", "credits", "0015", verbosity=0)
        assert not LowCreditEpisode.objects.exists()
    finally:
        call_command("migrate", verbosity=0)
    assert LowCreditEpisode.objects.get().left_credits == 50
    watching.watch()
    assert not Notice.objects.exists()
    deduct(charge(funded, bob, 50))
    watching.watch()
    assert Notice.objects.filter(user=bob).count() == 1


def functions():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND NOT starts_with(proname, 'procrastinate_')"
        )
        return {row[0] for row in cursor.fetchall()}
