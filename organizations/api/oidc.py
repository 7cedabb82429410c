"""Checking the bearer tokens of the configured OpenID Connect issuer (RFC 7519, RFC 8725)."""

import functools
import logging
from dataclasses import dataclass
from typing import Any, Final

import jwt
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

logger = logging.getLogger(__name__)

# Asymmetric only: with HS256 allowed, the issuer's public key would do as a shared secret.
ALGORITHMS: Final = ("RS256", "ES256")
REQUIRED_CLAIMS: Final = ("exp", "iss", "aud", "sub")
LEEWAY_SECONDS: Final = 60
KEYS_LIFETIME_SECONDS: Final = 300
KEYS_TIMEOUT_SECONDS: Final = 5
KEYS_COOLDOWN_SECONDS: Final = 10
SUBJECT_LENGTH_MAX: Final = 255


class InvalidToken(Exception):
    """The token isn't to be believed; the message may be shown to whoever sent it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the issuer says of a person."""

    external_id: str
    verified_email: str
    name: str


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


def is_configured() -> bool:
    """Whether single sign-on is on."""
    return bool(settings.OIDC_ISSUER)


def identify(token: str) -> Identity:
    """Return who the token is about. Raises InvalidToken."""
    try:
        key = issuer_keys(settings.OIDC_JWKS_URL).get_signing_key_from_jwt(token)
        claims = jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            audience=settings.OIDC_AUDIENCE,
            issuer=settings.OIDC_ISSUER,
            leeway=LEEWAY_SECONDS,
            options={"require": list(REQUIRED_CLAIMS)},
        )
    except jwt.ExpiredSignatureError as exc:
        raise InvalidToken("The token has expired.") from exc
    except jwt.PyJWKClientConnectionError as exc:
        logger.exception("The issuer's keys can't be fetched")
        raise InvalidToken("The token can't be checked at the moment.") from exc
    except (jwt.PyJWTError, ValueError, TypeError) as exc:
        logger.info("Bearer token refused: %s", exc)
        raise InvalidToken("The token is not valid here.") from exc
    return Identity(_external_id(claims), _verified_email(claims), _name(claims))


def _external_id(claims: dict[str, Any]) -> str:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LENGTH_MAX:
        raise InvalidToken("The token names no subject.")
    if not subject.isprintable():
        raise InvalidToken("The token's subject is not text.")
    return f"{claims['iss']}|{subject}"


def _verified_email(claims: dict[str, Any]) -> str:
    email = claims.get("email")
    # Anything but JSON's true, the text "true" too, is not the issuer vouching for the address.
    if claims.get("email_verified") is not True or not isinstance(email, str):
        return ""
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email if len(email) <= 254 else ""


def _name(claims: dict[str, Any]) -> str:
    name = claims.get("name")
    return name[:200] if isinstance(name, str) and name.isprintable() else ""
