"""One server with separated roles for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.roles.stage import Stage, separated


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """Made at the first question; no test leaves it otherwise than it was."""
    with separated() as stage:
        yield stage
