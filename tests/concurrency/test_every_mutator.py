"""Every mutator at once on five organizations: no deadlock, no lock's failure shown to anybody, sound books.

MIXED_SECONDS says for how long; `make mixed` takes two minutes.
"""

import os
import sys
from collections import Counter

import pytest
from django.db import connection

from credits.models import Allocation
from tests.concurrency.mixers import WEIGHTS, Mixer
from tests.concurrency.threads import together
from tests.factories import as_principal, make_member, make_organization
from tests.ledger import fund, give, let_spend
from tests.model.state import broken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("smooth")]

SECONDS = float(os.environ.get("MIXED_SECONDS", "15"))
# Each with a connection: the pool has ten, and one is the test's.
CALLERS = 9
ORGANIZATIONS, MEMBERS = 5, 4


def test_every_mutator_at_once(system_admin, capsys):
    orgs = {}
    for _ in range(ORGANIZATIONS):
        org = make_organization()
        fund(org, 2_000)
        let_spend(org)
        orgs[org] = [make_member(org).user for _ in range(MEMBERS)]
        for user in orgs[org]:
            give(org, user, 200, reset_period="daily")
    by = as_principal(system_admin)
    connection.close()
    mixers = [Mixer(orgs, by, seed) for seed in range(CALLERS)]
    ends = together([lambda mixer=mixer: mixer.run(SECONDS) for mixer in mixers])
    assert ends == mixers
    assert [each for mixer in mixers for each in mixer.unforeseen] == []
    for org in orgs:
        assert broken(org.pk) == []
    assert Allocation.objects.filter(remaining_credits__lt=0).count() == 0
    done = sum((mixer.done for mixer in mixers), Counter())
    assert {kind for kind, _ in done} == set(WEIGHTS)
    counts = f"{sum(done.values()):,} operations in {SECONDS:.0f} s by {CALLERS} callers"
    listed = [f"  {kind:<14} {end:<28} {times:>8,}" for (kind, end), times in sorted(done.items())]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", counts, *listed, ""]))
