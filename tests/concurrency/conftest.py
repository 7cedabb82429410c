"""Everything here commits, on many connections, and must meet no deadlock and no second attempt."""

import logging

import pytest

from organizations.models import Organization, User
from orgbilling.lib import transactions
from tests.concurrency.deadlocks import deadlocks
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
