"""What a token's claims say of a person, taken only as far as the issuer vouches for it."""

from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

SUBJECT_LENGTH_MAX: Final = 255


class InvalidToken(Exception):
    """The token isn't to be believed; the message may be shown to whoever sent it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the issuer says of a person."""

    external_id: str
    verified_email: str
    name: str


def identity_of(claims: dict[str, Any], profile: dict[str, Any] | None = None) -> Identity:
    """Return who the claims are about. Raises InvalidToken when they name no subject.

    `profile` has the address and the name when the claims themselves don't.
    """
    described = claims if profile is None else profile
    return Identity(_external_id(claims), _verified_email(described), _name(described))


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
    # Half of a surrogate pair passes for a letter of a domain, and PostgreSQL takes none.
    if not email.isprintable():
        return ""
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email if len(email) <= 254 else ""


def _name(claims: dict[str, Any]) -> str:
    name = claims.get("name")
    return name[:200] if isinstance(name, str) and name.isprintable() else ""
