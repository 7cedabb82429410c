"""The seed's scenario, to which each fault of the predecessor is done."""

import pytest

from organizations.models import Organization, User
from tests.credits.conftest import fund, give, let_spend


@pytest.fixture
def funded(alpha: Organization, alice: User, bob: User) -> Organization:
    """Alpha with 10,000 credits: 1,000 for Alice, 500 for Bob; 8,500 are available."""
    fund(alpha, 10_000)
    let_spend(alpha)
    give(alpha, alice, 1_000)
    give(alpha, bob, 500)
    return alpha
