"""The predecessor updated no row, then inserted one: of twenty first callers seven failed."""

import pytest
from django.db import transaction

from credits.managers import AnswerManager, PoolManager
from credits.models import Allocation, CreditPool, StoredAnswer
from organizations.models import Organization
from tests.concurrency.invariants import broken
from tests.concurrency.threads import Elsewhere
from tests.ledger import ORIGIN, balances, fund
from tests.regressions.teeth import guarded_by, python, sql

pytestmark = pytest.mark.django_db(transaction=True)

ALLOCATION_INSERT = "    INSERT INTO public.user_credit_allocations ("
pool_lock = sql(
    "allocate_credits_to_user",
    (
        "WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;\n    IF NOT FOUND",
        "WHERE pool.org_id = p_org_id;\n    IF NOT FOUND",
    ),
)
allocation_upsert = sql(
    "allocate_credits_to_user",
    (
        ALLOCATION_INSERT,
        "    PERFORM 1 FROM public.user_credit_allocations AS a\n"
        "    WHERE a.org_id = p_org_id AND a.user_id = p_user_id;\n"
        "    IF NOT FOUND THEN\n" + ALLOCATION_INSERT,
    ),
    (") ON CONFLICT (org_id, user_id) DO NOTHING;\n", ");\n    END IF;\n"),
)
POOL_INSERT = "    INSERT INTO public.organization_credit_pools AS pool ("
pool_upsert = sql(
    "add_credits_to_pool",
    (
        POOL_INSERT,
        "    PERFORM 1 FROM public.organization_credit_pools AS pool\n"
        "    WHERE pool.org_id = p_org_id;\n    IF NOT FOUND THEN\n" + POOL_INSERT,
    ),
    ("\n    ON CONFLICT (org_id) DO NOTHING;\n", ";\n    END IF;\n"),
)


@guarded_by(lock=pool_lock, upsert=allocation_upsert)
def test_a_members_first_two_allocations_at_once_both_count(alpha, alice):
    fund(alpha, 100)

    def allocate():
        return Allocation.objects.allocate(
            org_id=alpha.pk, user_id=alice.pk, credits=10, origin=ORIGIN
        )

    with transaction.atomic():
        allocate()
        other = Elsewhere(allocate)
        assert other.is_stuck()
    second = other.result()
    seen = balances(alpha, alice)
    assert not isinstance(second, Exception)
    assert (seen.remaining, seen.available) == (20, 80)


@guarded_by(upsert=pool_upsert)
def test_a_pools_first_two_top_ups_at_once_both_count(alice):
    organization = Organization.objects.create_with_owner(
        name="no-pool-yet", display_name="", timezone="UTC", owner=alice
    )
    with transaction.atomic():
        fund(organization, 70)
        other = Elsewhere(lambda: fund(organization, 30))
        assert other.is_stuck()
    second = other.result()
    assert CreditPool.objects.get(org=organization).total_credits == 100
    assert not isinstance(second, Exception)
    assert broken(organization.pk) == []


@guarded_by(upsert=python(PoolManager, "open", (", ignore_conflicts=True", "")))
def test_a_pool_opened_twice_at_once_is_one(alice):
    organization = Organization.objects.create_with_owner(
        name="no-pool-yet", display_name="", timezone="UTC", owner=alice
    )
    with transaction.atomic():
        pool = CreditPool.objects.open(organization.pk)
        other = Elsewhere(lambda: CreditPool.objects.open(organization.pk))
        assert other.is_stuck()
    assert other.result() == pool


@guarded_by(
    upsert=python(AnswerManager, "_take", (" ON CONFLICT (org_id, operation, key) DO NOTHING", ""))
)
def test_a_key_claimed_twice_at_once_is_answered_once(alpha):
    key = {"org_id": alpha.pk, "operation": "allocate", "key": "first"}

    def claim():
        # The second claim is made inside the transaction of its request, as every one is.
        with transaction.atomic():
            return StoredAnswer.objects.claim(**key, body_hash=b"same")

    with transaction.atomic():
        assert StoredAnswer.objects.claim(**key, body_hash=b"same") is None
        other = Elsewhere(claim)
        assert other.is_stuck()
        StoredAnswer.objects.settle(**key, status=201, body="{}", final=True)
    second = other.result()
    assert isinstance(second, StoredAnswer)
    assert (second.status, second.body) == (201, "{}")
