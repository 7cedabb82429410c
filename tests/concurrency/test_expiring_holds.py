"""Whether a hold has expired is decided under its locks: a repeated request may overtake its own first try."""

import time

import pytest
from django.db import transaction

from credits.errors import HoldNotPending
from credits.functions import Origin
from credits.holding import HoldOrder, capture, capture_once, place, release
from credits.models import Allocation, Hold
from tests.concurrency.threads import Elsewhere
from tests.ledger import ORIGIN, charge
from tests.model.state import broken

pytestmark = pytest.mark.django_db(transaction=True)


def capture_under_a_key(**asked):
    return capture_once(
        **{**asked, "origin": Origin("system", "test", "k", b"capture")},
        credits=None,
        final=True,
        metadata={},
    )


@pytest.mark.parametrize("settle", [capture, capture_under_a_key, release])
def test_who_waits_past_the_end_of_a_hold_is_refused(rich, alice, settle):
    """As whoever repeats it meanwhile is: one of the two that passed would make the other's refusal untrue."""
    hold = place(HoldOrder(charge(rich, alice, 5), 1)).hold
    asked = {"org_id": rich.pk, "hold_id": hold.pk, "origin": ORIGIN, "body_hash": b"settle"}
    with transaction.atomic():
        Allocation.objects.select_for_update(no_key=True).get(org=rich, user=alice)
        first = Elsewhere(lambda: settle(**asked))
        assert first.is_stuck()
        time.sleep(1.1)
    assert isinstance(first.result(), HoldNotPending)
    with pytest.raises(HoldNotPending):
        settle(**asked)
    assert Hold.objects.get(pk=hold.pk).captured_credits == 0
    assert Allocation.objects.get(org=rich, user=alice).used_credits == 0
    assert broken(rich.pk) == []
