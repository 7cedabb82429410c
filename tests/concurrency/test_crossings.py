"""A threshold that is crossed in a race is told once, and killing the sweep anywhere loses nothing."""

import pytest
from django.db import connection

from credits import watching
from credits.deducting import Receipt, deduct
from credits.models import LowCreditEpisode
from organizations.models import Notice
from tests.concurrency.threads import together
from tests.ledger import charge
from tests.organizations.test_mailing import Killed, Killer

pytestmark = pytest.mark.django_db(transaction=True)


def test_fifty_charges_and_sweeps_beside_them_tell_of_one_crossing(funded, bob):
    charges = [lambda: deduct(charge(funded, bob, 9)) for _number in range(50)]
    done = together([*charges[:25], *[watching.watch] * 8, *charges[25:]])
    assert sum(isinstance(result, Receipt) for result in done) == 50
    together([watching.watch] * 8)
    (notice,) = Notice.objects.filter(user=bob)
    assert "of 500 credits left" in notice.title
    assert LowCreditEpisode.objects.count() == 1


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_statement_a_crossing_is_told_once(funded, alice, bob, after):
    deduct(charge(funded, bob, 450))
    nth, kills = 1, 0
    while True:
        try:
            with connection.execute_wrapper(Killer(nth, after=after)):
                watching.watch()
        except Killed:
            kills += 1
            told = Notice.objects.count()
            # All of it or nothing.
            assert told == 2 * LowCreditEpisode.objects.count()
            watching.watch()
            assert Notice.objects.count() == 2
            assert LowCreditEpisode.objects.current().count() == 1
            nth += 1
            Notice.objects.all().delete()
            LowCreditEpisode.objects.all().delete()
        else:
            break
    assert kills > 10
