"""Short words for what tests do to a ledger and see of it."""

from dataclasses import dataclass
from decimal import Decimal

from credits.choices import FOREVER, JournalKind
from credits.functions import Charge, Origin
from credits.idempotency import hash_body
from credits.models import Allocation, CreditPool, Usage
from organizations.models import Organization, User

ORIGIN = Origin("system", "test")


def fund(org: Organization, credits: int) -> CreditPool:
    """Credits for the pool, as a grant."""
    return CreditPool.objects.add(
        org_id=org.pk,
        credits=credits,
        kind=JournalKind.GRANT,
        purchase_amount=Decimal(0),
        actor="system",
        request_id="test",
    )


def let_spend(org: Organization, plan: str = "platform") -> None:
    """What a subscription that renews by itself allows."""
    CreditPool.objects.set_entitlement(org_id=org.pk, spending_until=FOREVER, price_plan=plan)


def give(org: Organization, user: User, credits: int, **options) -> Allocation:
    """Credits for a member."""
    return Allocation.objects.allocate(
        org_id=org.pk, user_id=user.pk, credits=credits, origin=ORIGIN, **options
    )[0]


def funded(alpha: Organization, alice: User, bob: User) -> Organization:
    """Alpha with 10,000 credits: 1,000 for Alice, 500 for Bob."""
    fund(alpha, 10_000)
    let_spend(alpha)
    give(alpha, alice, 1_000)
    give(alpha, bob, 500)
    return alpha


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
