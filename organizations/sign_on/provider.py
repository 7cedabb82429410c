"""Where the sign-on provider's endpoints are: as configured, otherwise as the provider says.

The provider is asked when somebody signs in, never at the start: a provider that is down must not
keep the service from starting.
"""

import http.client
import json
import urllib.request
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache

from organizations.sign_on.configuration import is_trustworthy

TIMEOUT_SECONDS: Final = 5
LIFETIME_SECONDS: Final = 3600
# A provider that is down is not asked again for each person who tries.
COOLDOWN_SECONDS: Final = 10
DOCUMENT_BYTES_MAX: Final = 1024 * 1024


class ProviderTrouble(Exception):
    """The provider can't be reached, or says what can't be used. For the log, not for people."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Addresses of the provider; empty text where it has none.

    `secret_in_body`: it takes the client's secret in the form only, not by basic authentication.
    """

    authorization_url: str
    token_url: str
    jwks_url: str
    userinfo_url: str
    end_session_url: str
    secret_in_body: bool


def provider() -> Provider:
    """Return the configured issuer's endpoints. Raises ProviderTrouble."""
    given = (settings.OIDC_AUTHORIZATION_URL, settings.OIDC_TOKEN_URL, settings.OIDC_JWKS_URL)
    described = {} if all(given) else _described()
    return Provider(
        authorization_url=given[0] or _address(described, "authorization_endpoint"),
        token_url=given[1] or _address(described, "token_endpoint"),
        jwks_url=given[2] or _address(described, "jwks_uri"),
        userinfo_url=settings.OIDC_USERINFO_URL
        or _address(described, "userinfo_endpoint", required=False),
        end_session_url=_address(described, "end_session_endpoint", required=False),
        secret_in_body=_secret_in_body(described),
    )


def _described() -> dict[str, Any]:
    """Return the discovery document (OpenID Connect Discovery, 4), fetched once an hour."""
    issuer: str = settings.OIDC_ISSUER
    key = f"sign-on-provider:{issuer}"
    known: dict[str, Any] | None = cache.get(key)
    if known is None:
        try:
            known = _fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            _check_issuer(known)
        except ProviderTrouble:
            cache.set(key, {}, COOLDOWN_SECONDS)
            raise
        cache.set(key, known, LIFETIME_SECONDS)
    if not known:
        raise ProviderTrouble("The provider could not be asked a moment ago.")
    return known


def _fetched(url: str) -> dict[str, Any]:
    try:
        # The start has refused every issuer whose address is not http or https.
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            document = json.loads(answer.read(DOCUMENT_BYTES_MAX))
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise ProviderTrouble(f"{url}: {exc}") from exc
    if not isinstance(document, dict):
        raise ProviderTrouble(f"{url} is no JSON object")
    return document


def _check_issuer(document: dict[str, Any]) -> None:
    told = document.get("issuer")
    # Word for word: otherwise another tenant of the same provider could stand in for ours.
    if told != settings.OIDC_ISSUER:
        raise ProviderTrouble(f"OIDC_ISSUER is {settings.OIDC_ISSUER!r}, discovery says {told!r}")


def _address(document: dict[str, Any], name: str, *, required: bool = True) -> str:
    url = document.get(name)
    if url is None and not required:
        return ""
    if not isinstance(url, str) or not is_trustworthy(url):
        raise ProviderTrouble(f"Discovery has no usable {name}: {url!r}")
    return url


def _secret_in_body(document: dict[str, Any]) -> bool:
    methods = document.get("token_endpoint_auth_methods_supported")
    # Where nothing is said, the standard says: basic authentication.
    return isinstance(methods, list) and "client_secret_basic" not in methods
