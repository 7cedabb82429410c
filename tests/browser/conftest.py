"""A running service with the demo, and a browser.

The browser lives as long as a module: while it does its thread has an event loop, in which Django's database refuses
to work, and a module of the same worker's may need that next. Nothing here talks to the database but by HTTP.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.company import Company
from tests.browser.visitor import Visitor, chromium
from tests.service import Service, running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with the demo; one for each of xdist's workers that has a browser test."""
    with running(tmp_path_factory.mktemp("browsed")) as service:
        yield service


@pytest.fixture(scope="module")
def browser(service: Service) -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium())
        yield browser
        browser.close()


@pytest.fixture
def visitor(browser: Browser, service: Service) -> Iterator[Callable[..., Visitor]]:
    """A maker of visitors; what went wrong for any of them fails the test."""
    visitors = []

    def make(email: str | None = None, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, service, **options))
        return visitors[-1].sign_in_as(email) if email else visitors[-1]

    yield make
    for one in visitors:
        one.leave()


@pytest.fixture
def company(service: Service) -> Company:
    """A new organization of its own, so that tests need not care for each other."""
    return Company(service)
