"""The predecessor's request_id was not unique: every retry of a deduction was another charge.

And its retried top-up doubled the credits, because the first had failed only after adding them.
"""

import pytest
from django.db import transaction

from credits.api import deduct as deduct_view
from credits.deducting import Receipt, deduct
from credits.managers import AnswerManager
from credits.models import CreditPool, Usage
from orgbilling.lib.errors import IdempotencyKeyReused
from tests.api_client import ok, problem
from tests.concurrency.invariants import broken
from tests.concurrency.threads import Elsewhere, attempt
from tests.ledger import balances, charge
from tests.regressions.teeth import both, constraint, guarded_by, replaced, sql

CHARGES = ("deduct_credits", "deduct_credits_with_pool")
SAME_KEY = "u.operation = 'deduct' AND u.idempotency_key = p_idempotency_key;"
ON_CONFLICT = (
    "ON CONFLICT (org_id, operation, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING"
)
SAME_BODY = "CASE WHEN v_hash = p_body_hash THEN 'replayed' ELSE 'key_reused' END"

lookup = both(*(sql(name, (SAME_KEY, "u.operation = 'deduct' AND false;")) for name in CHARGES))
unique_key = both(
    constraint("credit_usage_attribution", "usage_org_key_uniq"),
    *(sql(name, (ON_CONFLICT, "")) for name in CHARGES),
)


@pytest.mark.django_db(transaction=True)
@guarded_by(lookup=lookup, unique_key=unique_key)
def test_a_retry_is_no_second_charge(funded, alice):
    first = deduct(charge(funded, alice, 50, "request-1"))
    second = attempt(lambda: deduct(charge(funded, alice, 50, "request-1")))
    seen = balances(funded, alice)
    assert (seen.remaining, seen.used, seen.charges) == (950, 50, 1)
    if not isinstance(second, Exception):
        assert second.replayed
        assert second.charged.usage_id == first.charged.usage_id
        assert second.charged.remaining_credits == 950


@pytest.mark.django_db
@guarded_by(lookup=lookup, unique_key=unique_key)
def test_nor_is_one_that_comes_with_the_pool_locked(funded, alice):
    for _ in range(2):
        attempt(lambda: Usage.objects.charge_with_pool(charge(funded, alice, 50, "request-1")))
    seen = balances(funded, alice)
    assert (seen.remaining, seen.used, seen.charges) == (950, 50, 1)


@pytest.mark.django_db(transaction=True)
@guarded_by(unique_key=unique_key)
def test_two_at_the_same_moment_are_one_charge(funded, alice):
    """The second looked the key up before the first committed: the index is what tells."""
    with transaction.atomic():
        first = Usage.objects.charge(charge(funded, alice, 50, "request-1"))
        other = Elsewhere(lambda: deduct(charge(funded, alice, 50, "request-1")))
        assert other.is_stuck()
    second = other.result()
    seen = balances(funded, alice)
    assert (seen.remaining, seen.used, seen.charges) == (950, 50, 1)
    assert isinstance(second, Receipt)
    assert second.replayed
    assert second.charged.usage_id == first.usage_id
    assert broken(funded.pk) == []


@pytest.mark.django_db(transaction=True)
@guarded_by(unique_key=unique_key)
def test_two_at_the_same_moment_for_two_members_are_one_charge(funded, alice, bob):
    """No lock but the key's own is common to them."""
    with transaction.atomic():
        Usage.objects.charge(charge(funded, alice, 50, "request-1"))
        other = Elsewhere(lambda: deduct(charge(funded, bob, 50, "request-1")))
        other.is_stuck()
    refused = other.result()
    assert balances(funded, bob).remaining == 500
    assert Usage.objects.count() == 1
    assert isinstance(refused, IdempotencyKeyReused)


@pytest.mark.django_db
@guarded_by(
    comparison=both(*(sql(name, (SAME_BODY, "'replayed'")) for name in CHARGES)),
)
def test_a_key_stands_for_one_request_only(funded, alice):
    deduct(charge(funded, alice, 50, "request-1"))
    other = attempt(lambda: deduct(charge(funded, alice, 70, "request-1")))
    assert balances(funded, alice).remaining == 950
    assert isinstance(other, IdempotencyKeyReused)


original_charge = deduct_view.charge_of


def without_key(*args, **named):
    made = original_charge(*args, **named)
    return made._replace(origin=made.origin._replace(idempotency_key=None, body_hash=None))


@pytest.mark.django_db
@guarded_by(view=replaced(deduct_view, "charge_of", without_key))
def test_the_bodys_request_id_is_a_key(funded, alice, alpha_key, client_for):
    body = {
        "org_id": str(funded.pk),
        "user_id": str(alice.pk),
        "service_name": "company_enrichment",
        "credits": 50,
        "request_id": "request-1",
    }
    api = client_for(alpha_key)
    first = ok(api.post("credits/deduct", body), 201)
    again = api.post("credits/deduct", body)
    assert balances(funded, alice).remaining == 950
    assert ok(again) == first
    assert again["Idempotent-Replayed"] == "true"
    problem(api.post("credits/deduct", {**body, "credits": 51}), 422, "idempotency_key_reused")


@pytest.mark.django_db
@guarded_by(
    stored_answer=replaced(AnswerManager, "claim", lambda _self, **_named: None),
    journal=constraint("credit_journal", "journal_org_key_uniq"),
    history=constraint("org_billing_history", "org_billing_history_org_id_key_key"),
)
def test_a_retried_top_up_adds_nothing(alpha, system_admin, client_for):
    api = client_for(system_admin)
    for _ in range(2):
        api.post(f"credits/{alpha.pk}/add", {"credits": 10_000}, Idempotency_Key="top-up-1")
    assert CreditPool.objects.get(org=alpha).total_credits == 10_000


@pytest.mark.django_db
@guarded_by(
    stored_answer=replaced(AnswerManager, "claim", lambda _self, **_named: None),
    journal=constraint("credit_journal", "journal_org_key_uniq"),
)
def test_a_retried_allocation_gives_nothing(funded, alice, bob, client_for):
    api, body = client_for(alice), {"user_id": str(bob.pk), "credits": 100}
    for _ in range(2):
        api.post(f"credits/{funded.pk}/allocate", body, Idempotency_Key="give-1")
    assert balances(funded, bob).remaining == 600
