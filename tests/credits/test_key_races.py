"""One key in two requests at the same moment: one charge, and an answer that says which."""

from contextlib import nullcontext

import pytest
from django.db import IntegrityError, transaction

from credits import functions, refusing
from credits.batching import deduct_batch
from credits.deducting import Receipt, deduct
from credits.models import StoredAnswer, Usage
from orgbilling.lib.errors import IdempotencyKeyReused
from tests.concurrency.threads import Elsewhere
from tests.ledger import charge, fund, give, let_spend

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ready(alpha, alice, bob):
    fund(alpha, 10_000)
    let_spend(alpha)
    give(alpha, alice, 100)
    give(alpha, bob, 100)
    return alpha


def test_the_same_request_twice(ready, alice):
    with transaction.atomic():
        Usage.objects.charge(charge(ready, alice, 10, "k"))
        other = Elsewhere(lambda: deduct(charge(ready, alice, 10, "k")))
        assert other.is_stuck()
    receipt = other.result()
    assert isinstance(receipt, Receipt)
    assert receipt.replayed
    assert Usage.objects.count() == 1


def test_another_members_request_with_the_key(ready, alice, bob):
    with transaction.atomic():
        Usage.objects.charge(charge(ready, alice, 10, "k"))
        other = Elsewhere(lambda: deduct(charge(ready, bob, 10, "k")))
        assert other.is_stuck()
    assert isinstance(other.result(), IdempotencyKeyReused)
    assert Usage.objects.count() == 1


def test_another_members_request_that_needs_the_pool(ready, alice, bob):
    """The other way to the same key: bob's charge has looked for it under the pool's lock already."""
    with transaction.atomic():
        Usage.objects.charge(charge(ready, alice, 10, "k"))

        def through_the_pool():
            with transaction.atomic():
                return Usage.objects.charge_with_pool(charge(ready, bob, 10, "k"))

        direct = Elsewhere(through_the_pool)
        assert direct.is_stuck()
    assert type(direct.result()).__name__ == "KeyClaimed"
    assert isinstance(
        Elsewhere(lambda: deduct(charge(ready, bob, 10, "k"))).result(), IdempotencyKeyReused
    )
    assert Usage.objects.get().user == alice


def test_a_rolled_back_charge_frees_its_key(ready, alice):
    with transaction.atomic():
        Usage.objects.charge(charge(ready, alice, 10, "k"))
        other = Elsewhere(lambda: deduct(charge(ready, alice, 10, "k")))
        assert other.is_stuck()
        transaction.set_rollback(True)
    assert not other.result().replayed
    assert Usage.objects.count() == 1


@pytest.mark.parametrize("inside", [False, True])
def test_a_batch_of_another_member_with_the_key(ready, alice, bob, inside):
    """Bob's items look for it before alice's charge is committed, and find it when they are written."""
    items = [charge(ready, bob, 10, "before"), charge(ready, bob, 10, "k")]

    def directly():
        # A cluster's coordinator hands the function on only outside of a transaction.
        with transaction.atomic() if inside else nullcontext():
            return functions.deduct_batch(ready.pk, items)

    with transaction.atomic():
        Usage.objects.charge(charge(ready, alice, 10, "k"))
        direct = Elsewhere(directly)
        assert direct.is_stuck()
    assert type(direct.result()).__name__ == "KeyClaimed"
    assert Usage.objects.get().user == alice
    first, second = Elsewhere(lambda: deduct_batch(org_id=ready.pk, charges=items)).result()
    assert isinstance(first, Receipt)
    assert isinstance(second, IdempotencyKeyReused)


def test_a_refusal_whose_days_end_meanwhile_is_looked_at_again(ready, alice, monkeypatch):
    """Its row goes between the look of the function and ours."""
    too_much, enough = charge(ready, alice, 1_000, "k"), charge(ready, alice, 5, "l")
    deduct_batch(org_id=ready.pk, charges=[too_much])
    repeated, looks = refusing.repeated, []

    def purged_before(operation, asked):
        looks.append(asked)
        if len(looks) == 1:
            # From another session, as the job does.
            Elsewhere(lambda: StoredAnswer.objects.all().delete()).result()
        return repeated(operation, asked)

    monkeypatch.setattr(refusing, "repeated", purged_before)
    first, second = deduct_batch(org_id=ready.pk, charges=[too_much, enough])
    assert first.status == 402
    assert isinstance(second, Receipt)
    assert Usage.objects.count() == 1


def test_an_id_that_is_taken_is_no_key_that_is(ready, alice, monkeypatch):
    first, second = charge(ready, alice, 10, "k"), charge(ready, alice, 10, "l")
    (made,) = functions.deduct_batch(ready.pk, [first])
    monkeypatch.setattr("credits.functions.charges.uuid7_text", lambda: str(made.usage_id))
    with pytest.raises(IntegrityError, match=r"credit_usage_attribution_pkey|usage_org_id_uniq"):
        functions.deduct_batch(ready.pk, [second])
    assert Usage.objects.count() == 1
