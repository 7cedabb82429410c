"""What needs no pool doesn't wait for it: while it holds an allocation, that would be a deadlock in waiting."""

import pytest
from django.db import transaction

from credits.batching import deduct_batch
from credits.deducting import Receipt
from credits.holding import Captured, HoldOrder, capture, place
from credits.models import CreditPool
from tests.concurrency.threads import Elsewhere
from tests.ledger import ORIGIN, charge
from tests.model.state import broken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("smooth")]


def while_the_pool_is_locked(org, work):
    with transaction.atomic():
        CreditPool.objects.lock(org.pk)
        other = Elsewhere(work)
        stuck = other.is_stuck()
    end = other.result()
    assert not stuck, end
    assert broken(org.pk) == []
    return end


@pytest.mark.parametrize("credits", [1, None])
def test_a_final_capture_waits_for_no_pool(rich, alice, credits):
    """A second update of one row in one transaction checks its foreign keys, and so locks what they point to."""
    hold = place(HoldOrder(charge(rich, alice, 5), 900)).hold
    request = {"org_id": rich.pk, "hold_id": hold.pk, "credits": credits, "origin": ORIGIN}
    end = while_the_pool_is_locked(rich, lambda: capture(**request, body_hash=b"capture"))
    assert isinstance(end, Captured)


def test_a_batch_waits_for_no_pool(rich, alice):
    charges = [charge(rich, alice, 5), charge(rich, alice, 6)]
    ends = while_the_pool_is_locked(rich, lambda: deduct_batch(org_id=rich.pk, charges=charges))
    assert [type(end) for end in ends] == [Receipt, Receipt]
