"""The predecessor read a balance, then wrote what it had computed: of two at once one was lost."""

import pytest
from django.db import transaction

from credits.models import Usage
from tests.concurrency.invariants import broken
from tests.concurrency.threads import Elsewhere
from tests.ledger import balances, charge
from tests.regressions.teeth import constraint, guarded_by, sql

pytestmark = pytest.mark.django_db(transaction=True)

UPDATE = "    UPDATE public.user_credit_allocations AS a\n    "
READ = """    SELECT a.remaining_credits INTO o_remaining_credits
    FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id;
"""
READ_THEN_WRITE = sql(
    "deduct_credits",
    (
        UPDATE + "SET remaining_credits = a.remaining",
        READ + UPDATE + "SET remaining_credits = o_remaining",
    ),
)
ALLOCATION_UNLOCKED = sql(
    "deduct_credits_with_pool",
    (
        "WHERE a.org_id = p_org_id AND a.user_id = p_user_id FOR NO KEY UPDATE;",
        "WHERE a.org_id = p_org_id AND a.user_id = p_user_id;",
    ),
)


def two_at_once(org, user, first, second):
    with transaction.atomic():
        assert first(charge(org, user, 300)).outcome == "charged"
        other = Elsewhere(lambda: second(charge(org, user, 40)))
        assert other.is_stuck()
    assert not isinstance(other.result(), Exception)
    seen = balances(org, user)
    assert (seen.remaining, seen.used, seen.charges) == (660, 340, 2)
    assert broken(org.pk) == []


@guarded_by(relative_update=READ_THEN_WRITE)
def test_two_ordinary_charges(funded, alice):
    two_at_once(funded, alice, Usage.objects.charge, Usage.objects.charge)


@guarded_by(lock=ALLOCATION_UNLOCKED)
def test_an_ordinary_charge_and_one_with_the_pool(funded, alice):
    two_at_once(funded, alice, Usage.objects.charge, Usage.objects.charge_with_pool)


@guarded_by(
    guarded_update=sql(
        "deduct_credits", ("        AND a.remaining_credits >= o_credits_used\n", "")
    ),
    allocation_check=constraint("user_credit_allocations", "allocation_balances_not_negative"),
    usage_check=constraint("credit_usage_attribution", "usage_remaining_not_negative"),
)
def test_the_last_credits_are_spent_once(funded, alice):
    with transaction.atomic():
        Usage.objects.charge(charge(funded, alice, 600))
        other = Elsewhere(lambda: Usage.objects.charge(charge(funded, alice, 600)))
        assert other.is_stuck()
    second = other.result()
    assert balances(funded, alice).remaining == 400
    assert isinstance(second, Exception) or second.outcome == "needs_pool"
