"""The web floor is tested with views of its own."""

import pytest
from django.test import Client

from tests import redis_server

collect_ignore = [] if redis_server.is_expected() else ["test_redis_outage.py"]


@pytest.fixture(autouse=True)
def _own_views(settings):
    settings.ROOT_URLCONF = "tests.web.urls"


@pytest.fixture
def http():
    """A client that shows what a caller would see, also of unhandled errors."""
    return Client(raise_request_exception=False)


@pytest.fixture
def alice():
    """Headers of a person who is signed in."""
    return {"Authorization": "Bearer alice"}


@pytest.fixture
def service():
    """Headers of a service with an API key."""
    return {"Authorization": "Bearer service"}
