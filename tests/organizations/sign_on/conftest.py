"""A provider for the whole module, and the console configured to sign people in through it."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.cache import cache
from pytest_django.fixtures import Settings

from organizations.sign_on.tokens import issuer_keys
from tests.organizations.sign_on.browser import Browser
from tests.organizations.sign_on.openid_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    OpenIdProvider,
    serving,
)


@pytest.fixture(scope="module")
def listening_provider() -> Iterator[OpenIdProvider]:
    with serving() as provider:
        yield provider


@pytest.fixture
def provider(listening_provider: OpenIdProvider) -> OpenIdProvider:
    """The provider, good again whatever the last test made of it."""
    listening_provider.reset()
    return listening_provider


@pytest.fixture
def sso(settings: Settings, provider: OpenIdProvider) -> None:
    """Switch single sign-on to the console on, by discovery, with nothing known yet."""
    settings.OIDC_ISSUER = provider.url
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    forget()
    apps.get_app_config("organizations").ready()


@pytest.fixture
def browser(sso: None) -> Browser:
    return Browser()


def forget() -> None:
    """Forget what this process knows of every provider."""
    cache.clear()
    issuer_keys.cache_clear()
