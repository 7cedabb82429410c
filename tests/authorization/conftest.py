"""The two tenants, made once a module: each test begins with them as they were made."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from orgbilling.web import suspicion
from tests.authorization.tenants import World, undone


@pytest.fixture(scope="module")
def made_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Alpha and Globex, with everybody who calls, in a transaction of the module."""
    with django_db_blocker.unblock(), undone():
        yield World()


@pytest.fixture(autouse=True)
def unsuspected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told of the many refusals here, so that nothing at all is written for one."""
    monkeypatch.setattr(suspicion, "report", lambda *_: None)


@pytest.fixture
def world(made_world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The module's world; what the test does to it is undone. Not to be mixed with `db`."""
    with django_db_blocker.unblock(), undone():
        yield made_world
