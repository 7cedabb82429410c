"""The counter that the other tests trust counts."""

import pytest
from django.db import transaction

from credits.models import CreditPool
from orgbilling.lib import sqlstate
from tests.concurrency.deadlocks import deadlocks
from tests.concurrency.threads import Elsewhere, attempt

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_deadlock_is_counted(alpha, globex):
    before = deadlocks()

    def the_other_way_round():
        with transaction.atomic():
            CreditPool.objects.lock(globex.pk)
            CreditPool.objects.lock(alpha.pk)

    with transaction.atomic():
        CreditPool.objects.lock(alpha.pk)
        other = Elsewhere(the_other_way_round)
        assert other.is_stuck()
        mine = attempt(lambda: CreditPool.objects.lock(globex.pk))
    ends = [mine, other.result()]
    assert [sqlstate.of(end) for end in ends if isinstance(end, Exception)] == ["40P01"]
    assert deadlocks() == before + 1
