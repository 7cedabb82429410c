"""The two tenants."""

import pytest

from tests.authorization.tenants import World


@pytest.fixture
def world(db: None) -> World:
    """Alpha and Globex, with everybody who calls."""
    return World()
