"""One service for all tests of the examples, and members of their own who pay."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.examples.evidence import Payer
from tests.service import Service, running

ENOUGH = 10**6


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("agents")) as service:
        yield service


@pytest.fixture
def payer_of(service: Service) -> Callable[..., Payer]:
    """A maker of organizations with one member, who has so many credits; on a plan."""
    key = next(key["key"] for key in service.demo["api_keys"] if key["org_id"] is None)
    return Payer(service.url, key, "", "").elsewhere


@pytest.fixture
def payer(payer_of: Callable[..., Payer], monkeypatch: pytest.MonkeyPatch) -> Payer:
    """A member with more than enough, whom the agent finds in its environment."""
    return known(payer_of(ENOUGH), monkeypatch)


def known(payer: Payer, monkeypatch: pytest.MonkeyPatch) -> Payer:
    """The payer, once the agent's environment says who it is."""
    for name, value in payer.environment().items():
        monkeypatch.setenv(name, value)
    return payer


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list with a company for every ending: unknown; in the cache; with and without contacts that are known."""
    names = ["acme", "umbrella", "hooli", "wonka"]
    rows = [f"{name.title()},{name}.example" for name in names]
    path = tmp_path / "companies.csv"
    path.write_text("\n".join(["company,domain", *rows, ""]), encoding="utf-8")
    return path
