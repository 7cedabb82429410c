"""Short words for what the regression tests do to a ledger and see of it."""

from dataclasses import dataclass

from credits.functions import Charge, Origin
from credits.idempotency import hash_body
from credits.models import Allocation, CreditPool, Usage
from organizations.models import Organization, User


def charge(org: Organization, user: User, credits: int, key: str | None = None) -> Charge:
    """A charge as the API makes it: a key comes with the hash of what is asked for."""
    request = {"user_id": str(user.pk), "credits": credits}
    return Charge(
        org_id=org.pk,
        user_id=user.pk,
        service_name="company_enrichment",
        credits=credits,
        quantity=None,
        service_type=None,
        metadata={},
        origin=Origin(
            "system", "test", key, hash_body("deduct", {}, request) if key is not None else None
        ),
    )


@dataclass(frozen=True)
class Balances:
    """Of a pool: what it was given and has; of a member: what is left and was spent."""

    total: int
    available: int
    remaining: int
    used: int
    lifetime_used: int
    charges: int


def balances(org: Organization, user: User) -> Balances:
    pool = CreditPool.objects.get(org=org)
    allocation = Allocation.objects.filter(org=org, user=user).first() or Allocation()
    return Balances(
        pool.total_credits,
        pool.available_credits,
        allocation.remaining_credits,
        allocation.used_credits,
        allocation.lifetime_used_credits,
        Usage.objects.filter(org=org, user=user).count(),
    )
