"""Everything here commits, on many connections, and must meet no deadlock and no second attempt."""

import logging

import pytest

from organizations.models import Organization, User
from orgbilling.lib import transactions
from tests.concurrency.deadlocks import deadlocks
from tests.concurrency.gathering import gathering_charges
from tests.factories import make_member, make_organization, make_user
from tests.ledger import fund, give, let_spend


@pytest.fixture
def rich(alpha: Organization, alice: User) -> Organization:
    """Alpha with 100,000 credits of which Alice has 10,000."""
    fund(alpha, 100_000)
    let_spend(alpha)
    give(alpha, alice, 10_000)
    return alpha


@pytest.fixture
def smooth(alpha, caplog):
    """Fails the test when a transaction met a deadlock, or had to be tried again."""
    caplog.set_level(logging.WARNING, transactions.logger.name)
    before = deadlocks()
    yield
    assert [record.getMessage() for record in caplog.records] == []
    assert deadlocks() == before


@pytest.fixture
def gathering(settings, monkeypatch):
    """Charges go in statements that begin when the test says so."""
    settings.COALESCE_DEDUCTS = True
    with gathering_charges(monkeypatch) as made:
        yield made


@pytest.fixture
def orgs(rich):
    """Three organizations beside Alpha, each with a member who has 500 credits."""
    members = []
    for _ in range(3):
        org = make_organization(owner=make_user())
        user = make_member(org).user
        fund(org, 1_000)
        let_spend(org)
        give(org, user, 500)
        members.append((org, user))
    return members
