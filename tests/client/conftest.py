"""A running service, and clients of it."""

from collections.abc import Iterator

import pytest
from orgbilling_client import Client, RetryPolicy

from tests.client.cast import Cast
from tests.service import Service, running

#: Quick enough for tests, with as many attempts as callers have.
IMPATIENT = RetryPolicy(attempts=6, total_seconds=30, first_wait_seconds=0.02)


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with the demo's people, for the tests of this package."""
    with running(tmp_path_factory.mktemp("client")) as started:
        yield started


@pytest.fixture
def cast(service: Service) -> Cast:
    """An organization of the test's own, with a member who can spend."""
    return Cast.of(service)


@pytest.fixture
def client(cast: Cast) -> Iterator[Client]:
    """A client of the test's organization."""
    with Client(cast.url, cast.key, cast.org_id, retry=IMPATIENT) as made:
        yield made
