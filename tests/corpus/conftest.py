"""The room of a test, and quiet: what is tried is refused, and refusals are logged."""

import logging
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from organizations.webhooks import resolving
from tests.corpus.room import Room


@pytest.fixture
def quiet() -> Iterator[None]:
    """Nothing is logged."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is looked up: nothing leaves the machine, and the answers are the same on each."""

    def resolve(*args: object, **options: object) -> NoReturn:
        raise resolving.NotResolved

    monkeypatch.setattr(resolving, "resolve", resolve)


@pytest.fixture
def room(
    db: None,
    world: object,
    quiet: None,
    nameless: None,
    record_property: Callable[[str, object], None],
) -> Iterator[Room]:
    """A room in the test's `world`, which every module makes for itself; `--junitxml` says how much was asked."""
    room = Room()
    yield room
    record_property("asked", room.asked)
