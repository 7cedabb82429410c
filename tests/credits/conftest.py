"""A ledger in the state of the seed's scenario."""

from decimal import Decimal

import pytest

from credits.choices import FOREVER, JournalKind
from credits.functions import Origin
from credits.models import Allocation, CreditPool
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


@pytest.fixture
def funded(alpha: Organization, alice: User, bob: User) -> Organization:
    """Alpha with 10,000 credits: 1,000 for Alice, 500 for Bob."""
    fund(alpha, 10_000)
    let_spend(alpha)
    give(alpha, alice, 1_000)
    give(alpha, bob, 500)
    return alpha
