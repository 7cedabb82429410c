"""Single sign-on is configured in full or not at all: anything else stops the start."""

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from organizations.sign_on.configuration import bearer_tokens_are_on, console_is_on

ISSUER = {"OIDC_ISSUER": "https://sso.example.com"}
BEARER = {"OIDC_AUDIENCE": "org-billing", "OIDC_JWKS_URL": "https://sso.example.com/certs"}
CONSOLE = {"OIDC_CLIENT_ID": "console", "OIDC_CLIENT_SECRET": "secret"}


def start(settings: Settings, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(settings, name, value)
    apps.get_app_config("organizations").ready()


@pytest.mark.parametrize(
    ("values", "bearer", "console"),
    [
        ({}, False, False),
        ({**ISSUER, **BEARER}, True, False),
        ({**ISSUER, **CONSOLE}, False, True),
        ({**ISSUER, **BEARER, **CONSOLE}, True, True),
        ({**ISSUER, **CONSOLE, "OIDC_JWKS_URL": "https://sso.example.com/certs"}, False, True),
        ({"OIDC_ISSUER": "http://localhost:8080/realms/x", **CONSOLE}, False, True),
        ({**ISSUER, **CONSOLE, "OIDC_SIGN_ALGORITHMS": ["ES256", "PS256"]}, False, True),
    ],
    ids=str,
)
def test_each_part_may_be_on_or_off(
    settings: Settings, values: dict[str, object], bearer: bool, console: bool
):
    start(settings, values)
    assert (bearer_tokens_are_on(), console_is_on()) == (bearer, console)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (ISSUER, "OIDC_ISSUER alone"),
        (BEARER, "OIDC_ISSUER, OIDC_AUDIENCE and OIDC_JWKS_URL"),
        (CONSOLE, "needs OIDC_ISSUER beside OIDC_CLIENT_ID"),
        ({"OIDC_CLIENT_ID": "x"}, "OIDC_ISSUER and OIDC_CLIENT_SECRET"),
        ({**ISSUER, "OIDC_CLIENT_ID": "x"}, "needs OIDC_CLIENT_SECRET"),
        ({**ISSUER, **BEARER, "OIDC_CLIENT_SECRET": "x"}, "OIDC_CLIENT_ID"),
        ({"OIDC_TOKEN_URL": "https://sso.example.com/t"}, "OIDC_CLIENT_ID"),
        ({**ISSUER, **CONSOLE, "OIDC_AUDIENCE": "x"}, "OIDC_JWKS_URL"),
        ({**CONSOLE, "OIDC_ISSUER": "http://sso.example.com"}, "OIDC_ISSUER must begin"),
        ({**CONSOLE, "OIDC_ISSUER": "sso.example.com"}, "OIDC_ISSUER must begin"),
        ({**ISSUER, **CONSOLE, "OIDC_TOKEN_URL": "http://x.example/t"}, "OIDC_TOKEN_URL must"),
        ({**ISSUER, **CONSOLE, "OIDC_JWKS_URL": "http://x.example/c"}, "OIDC_JWKS_URL must"),
        ({**ISSUER, **CONSOLE, "OIDC_SIGN_ALGORITHMS": ["RS256", "HS256"]}, "HS256"),
        ({**ISSUER, **CONSOLE, "OIDC_SIGN_ALGORITHMS": ["none"]}, "none"),
    ],
    ids=str,
)
def test_half_of_a_configuration_stops_the_start(
    settings: Settings, values: dict[str, object], named: str
):
    with pytest.raises(ImproperlyConfigured, match=named):
        start(settings, values)
