"""Everything at once, in an order drawn by lot, over days that pass: the equations hold at the end."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from credits.deducting import deduct
from credits.departure import remove_member
from credits.errors import AllocationInactive, InsufficientPoolCredits, NoAllocation
from credits.models import Allocation, JournalEntry, Usage
from organizations.errors import AlreadyMember, NotAMember
from organizations.models import Member
from orgbilling.lib.clock import now, simulated
from orgbilling.lib.errors import IdempotencyKeyReused, NotFound
from tests.concurrency.invariants import broken
from tests.concurrency.threads import attempt, together
from tests.factories import as_principal, make_member
from tests.ledger import ORIGIN, charge, fund, give, let_spend

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("smooth")]

CALLERS = 8
OPERATIONS = 60
KEYS = 40
#: What may come of an operation that another was faster than.
FORESEEN = (
    AllocationInactive,
    AlreadyMember,
    IdempotencyKeyReused,
    InsufficientPoolCredits,
    NoAllocation,
    NotAMember,
    NotFound,
)


class Caller:
    """One thread's operations, the same for the same seed."""

    def __init__(self, org, users, by, seed):
        self.org, self.users, self.by = org, users, by
        self.lot = random.Random(seed)
        self.done = Counter()
        self.unforeseen = []

    def run(self):
        begin = now()
        operations = [self.charge, self.charge_again, self.allocate, self.fund, self.close]
        operations += [self.reset, self.leave, self.join]
        for number in range(OPERATIONS):
            chosen = self.lot.choices(operations, weights=(45, 15, 15, 8, 3, 6, 2, 6))[0]
            user = self.lot.choice(self.users)
            with simulated(begin + timedelta(hours=4 * number)):
                end = attempt(lambda: chosen(user))  # noqa: B023 - called at once
            self.done[chosen.__name__, type(end).__name__] += 1
            if isinstance(end, Exception) and not isinstance(end, FORESEEN):
                self.unforeseen.append((chosen.__name__, end))
        return self

    def charge(self, user):
        return deduct(charge(self.org, user, self.lot.randint(1, 40)))

    def charge_again(self, user):
        """A key that several callers draw, for the same request or for another."""
        key = f"key-{self.lot.randrange(KEYS)}"
        return deduct(charge(self.org, user, 1, key))

    def allocate(self, user):
        return Allocation.objects.allocate(
            org_id=self.org.pk,
            user_id=user.pk,
            credits=self.lot.randint(1, 300),
            reset_period=self.lot.choice(["daily", "weekly", "never", None]),
            recurring=self.lot.random() < 0.5,
            origin=ORIGIN,
        )

    def fund(self, _user):
        return fund(self.org, self.lot.randint(1, 500))

    def close(self, user):
        return Allocation.objects.close(org_id=self.org.pk, user_id=user.pk, origin=ORIGIN)

    def reset(self, user):
        return Allocation.objects.reset_if_due(org_id=self.org.pk, user_id=user.pk, origin=ORIGIN)

    def leave(self, user):
        remove_member(org_id=self.org.pk, user_id=user.pk, by=self.by, request_id="test")

    def join(self, user):
        return Member.objects.add(self.org, user, by=self.by)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_equations_hold(alpha, system_admin, seed):
    fund(alpha, 3_000)
    let_spend(alpha)
    users = [make_member(alpha).user for _ in range(4)]
    for user in users:
        give(alpha, user, 200, reset_period="daily")
    by = as_principal(system_admin)
    callers = [Caller(alpha, users, by, f"{seed}-{number}") for number in range(CALLERS)]
    ends = together(caller.run for caller in callers)
    assert ends == callers
    assert [unforeseen for caller in callers for unforeseen in caller.unforeseen] == []
    assert broken(alpha.pk) == []
    done = sum((caller.done for caller in callers), Counter())
    assert sum(done.values()) == CALLERS * OPERATIONS
    # Each kind of movement took place, so that the equations have said something.
    kinds = set(JournalEntry.objects.filter(org=alpha).values_list("kind", flat=True))
    assert kinds == {"grant", "allocation", "reset", "reclaim"}
    assert done["charge", "Receipt"] > 20
    keyed = Usage.objects.filter(org=alpha, idempotency_key__isnull=False)
    assert 0 < keyed.count() <= KEYS
