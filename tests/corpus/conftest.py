"""The room of a test, and quiet: what is tried is refused, and refusals are logged."""

import logging
from collections.abc import Callable, Iterator

import pytest

from tests.corpus.room import Room


@pytest.fixture
def quiet() -> Iterator[None]:
    """Nothing is logged."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def room(
    db: None, world: object, quiet: None, record_property: Callable[[str, object], None]
) -> Iterator[Room]:
    """A room in the test's `world`, which every module makes for itself; `--junitxml` says how much was asked."""
    room = Room()
    yield room
    record_property("asked", room.asked)
