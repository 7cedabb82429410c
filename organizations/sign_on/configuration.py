"""Which parts of single sign-on are switched on, and that none of them is half configured."""

from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# With a symmetric one the issuer's public key would do as a shared secret; `none` signs nothing.
ASYMMETRIC: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
ENDPOINTS: Final = ("OIDC_AUTHORIZATION_URL", "OIDC_TOKEN_URL", "OIDC_USERINFO_URL")


def bearer_tokens_are_on() -> bool:
    """Whether the API takes tokens of the issuer."""
    return bool(settings.OIDC_ISSUER and settings.OIDC_AUDIENCE)


def console_is_on() -> bool:
    """Whether people may sign in to the console through the issuer."""
    return bool(settings.OIDC_ISSUER and settings.OIDC_CLIENT_ID)


def is_trustworthy(url: object) -> bool:
    """Whether secrets and keys may travel there: by TLS, or without leaving this machine."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))


def refuse_half_configuration() -> None:
    """Raise ImproperlyConfigured unless each part is configured in full or not at all.

    Single sign-on must never check less than its operator thinks.
    """
    if _given("OIDC_ISSUER") and not _given("OIDC_AUDIENCE", "OIDC_JWKS_URL", "OIDC_CLIENT_ID"):
        raise ImproperlyConfigured(
            "OIDC_ISSUER alone does nothing: set OIDC_AUDIENCE and OIDC_JWKS_URL for bearer tokens, "
            "OIDC_CLIENT_ID and OIDC_CLIENT_SECRET for the console, or both."
        )
    _refuse_half_bearer_tokens()
    if _given("OIDC_CLIENT_ID"):
        _refuse_half_console()
    elif _given("OIDC_CLIENT_SECRET", *ENDPOINTS):
        raise ImproperlyConfigured(
            "Single sign-on to the console needs OIDC_CLIENT_ID beside OIDC_CLIENT_SECRET and the "
            "addresses: set it, or none of them."
        )


def _refuse_half_bearer_tokens() -> None:
    needed = ["OIDC_ISSUER", "OIDC_AUDIENCE", "OIDC_JWKS_URL"]
    # The console may have its keys' address given too, without the API taking tokens.
    begun = _given("OIDC_AUDIENCE") or (_given("OIDC_JWKS_URL") and not _given("OIDC_CLIENT_ID"))
    if begun and not all(_given(name) for name in needed):
        raise ImproperlyConfigured(
            "Bearer tokens need OIDC_ISSUER, OIDC_AUDIENCE and OIDC_JWKS_URL: all or none."
        )


def _refuse_half_console() -> None:
    missing = [name for name in ("OIDC_ISSUER", "OIDC_CLIENT_SECRET") if not _given(name)]
    if missing:
        raise ImproperlyConfigured(
            f"Single sign-on to the console needs {' and '.join(missing)} beside OIDC_CLIENT_ID."
        )
    for name in ("OIDC_ISSUER", "OIDC_JWKS_URL", *ENDPOINTS):
        if _given(name) and not is_trustworthy(getattr(settings, name)):
            raise ImproperlyConfigured(
                f"{name} must begin with https://, or with http:// on this very machine."
            )
    unsafe = set(settings.OIDC_SIGN_ALGORITHMS) - ASYMMETRIC
    if unsafe:
        raise ImproperlyConfigured(
            f"OIDC_SIGN_ALGORITHMS has {', '.join(sorted(unsafe))}; "
            f"only these sign with a key pair: {', '.join(sorted(ASYMMETRIC))}."
        )


def _given(*names: str) -> bool:
    return any(getattr(settings, name) for name in names)
