"""The web floor is tested with views of its own, and without limits unless a test sets one."""

import pytest
from django.test import Client


@pytest.fixture(autouse=True)
def _own_views(settings):
    settings.ROOT_URLCONF = "tests.web.urls"
    settings.RATE_LIMIT_READS = settings.RATE_LIMIT_WRITES = settings.RATE_LIMIT_SERVICE = ""


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
