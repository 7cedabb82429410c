"""Checking the tokens of the configured OpenID Connect issuer (RFC 7519, RFC 8725)."""

import functools
from collections.abc import Sequence
from typing import Any, Final

import jwt
import structlog
from django.conf import settings

from organizations.sign_on.claims import Identity, InvalidToken, identity_of

logger = structlog.stdlib.get_logger(__name__)

# Asymmetric only: with HS256 allowed, the issuer's public key would do as a shared secret.
BEARER_ALGORITHMS: Final = ("RS256", "ES256")
REQUIRED_CLAIMS: Final = ("exp", "iss", "aud", "sub")
LEEWAY_SECONDS: Final = 60
KEYS_LIFETIME_SECONDS: Final = 300
KEYS_TIMEOUT_SECONDS: Final = 5
KEYS_COOLDOWN_SECONDS: Final = 10


class KeysUnavailable(InvalidToken):
    """The token may be good, but the issuer's keys can't be fetched to check it."""


@functools.lru_cache(maxsize=4)
def issuer_keys(url: str) -> jwt.PyJWKClient:
    """Return this process's one cache of the keys at the address.

    Keys are fetched when they are old, or when a token names an unknown one; the cooldown keeps
    made-up key ids from becoming a flood of requests to the issuer.
    """
    return jwt.PyJWKClient(
        url,
        lifespan=KEYS_LIFETIME_SECONDS,
        timeout=KEYS_TIMEOUT_SECONDS,
        cooldown_duration=KEYS_COOLDOWN_SECONDS,
    )


def identify_bearer(token: str) -> Identity:
    """Return who a bearer token of the API is about. Raises InvalidToken."""
    return identity_of(
        _verified_claims(
            token, settings.OIDC_JWKS_URL, settings.OIDC_AUDIENCE, BEARER_ALGORITHMS, ()
        )
    )


def id_token_claims(token: object, *, keys_url: str, nonce: str) -> dict[str, Any]:
    """Return the claims of an ID token that answers the sign-in with this nonce.

    OpenID Connect Core, 3.1.3.7. Raises InvalidToken, KeysUnavailable.
    """
    if not isinstance(token, str):
        raise InvalidToken("The provider sent no ID token.")
    client = settings.OIDC_CLIENT_ID
    algorithms = settings.OIDC_SIGN_ALGORITHMS
    claims = _verified_claims(token, keys_url, client, algorithms, ("iat", "nonce"))
    if claims["nonce"] != nonce:
        raise InvalidToken("The ID token answers another sign-in.")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client) != client:
        raise InvalidToken("The ID token was made for another client.")
    return claims


def _verified_claims(
    token: str, keys_url: str, audience: str, algorithms: Sequence[str], required: tuple[str, ...]
) -> dict[str, Any]:
    try:
        key = issuer_keys(keys_url).get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(algorithms),
            audience=audience,
            issuer=settings.OIDC_ISSUER,
            leeway=LEEWAY_SECONDS,
            options={"require": [*REQUIRED_CLAIMS, *required]},
        )
    except jwt.ExpiredSignatureError as exc:
        raise InvalidToken("The token has expired.") from exc
    except jwt.PyJWKClientConnectionError as exc:
        logger.exception("sign_on.keys_unavailable")
        raise KeysUnavailable("The token can't be checked at the moment.") from exc
    except (jwt.PyJWTError, ValueError, TypeError) as exc:
        logger.info("sign_on.token_refused", reason=str(exc))
        raise InvalidToken("The token is not valid here.") from exc
    return claims
