"""What the service says of Acme (`cast.sql`) after an import."""

from dataclasses import dataclass
from uuid import UUID

from billing.verification import EVERY
from credits.models import Allocation, CreditPool
from credits.verification import verify

ID = "11111111-1111-4111-8111-111111111111"
ALICE, BOB = "alice@example.com", "bob@example.com"


@dataclass(frozen=True)
class Balances:
    """The pool's, and what is left to and was used by each person, by e-mail address."""

    total: int
    available: int
    people: dict[str, tuple[int, int]]


def balances(org_id: str | UUID = ID) -> Balances:
    pool = CreditPool.objects.get(org_id=org_id)
    people = {
        one.user.email: (one.remaining_credits, one.lifetime_used_credits)
        for one in Allocation.objects.filter(org_id=org_id).select_related("user")
    }
    return Balances(pool.total_credits, pool.available_credits, people)


def broken(org_id: str | UUID = ID) -> list[str]:
    """The equations that the ledger breaks."""
    found = verify(EVERY, org_ids=[UUID(str(org_id))])
    return [str(one) for result in found for one in result.violations]
