"""One service, one identity provider and one set of tools for all pages that are run."""

import socket
from collections.abc import Iterator

import pytest

from tests.docs.pages import RUN_PAGES, text_of
from tests.docs.runner import provider
from tests.docs.runner.clone import Clone, served, tools
from tests.docs.runner.running import Desk, local
from tests.docs.runner.steps import settings


@pytest.fixture(scope="session")
def realm() -> Iterator[provider.Realm]:
    with provider.serving() as realm:
        yield realm


@pytest.fixture(scope="session")
def receiver_port() -> str:
    """A port on which nothing listens, for the receivers that pages begin."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture(scope="session")
def clone(
    tmp_path_factory: pytest.TempPathFactory, realm: provider.Realm, receiver_port: str
) -> Iterator[Clone]:
    """What `make run` serves, with the settings that the pages tell their readers to make."""
    given: dict[str, str] = {}
    for page in RUN_PAGES:
        for name, value in settings(text_of(page)).items():
            assert given.setdefault(name, value) == value, f"Two pages disagree about {name}."
    here = {name: local(value, realm.issuer, receiver_port) for name, value in given.items()}
    with served(tmp_path_factory.mktemp("clone"), here) as clone:
        yield clone


@pytest.fixture(scope="session")
def desk(
    clone: Clone,
    realm: provider.Realm,
    receiver_port: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:
    folder = tmp_path_factory.mktemp("reader")
    return Desk(clone, realm.issuer, receiver_port, tools(folder, clone), folder)
