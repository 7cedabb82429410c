"""The form of an API key: `obk_`, 32 random characters, and a checksum of six.

The prefix lets secret scanners and people recognise a key; the checksum lets a mistyped or made-up
one be refused without asking the database. 32 base62 characters hold 190 bits, so that a plain
SHA-256 is safe to store: there is nothing to guess.
"""

import hashlib
import re
import secrets
import string
import zlib
from typing import Final

PREFIX: Final = "obk_"
PREFIX_SHOWN_LENGTH: Final = 12
SECRET_LENGTH: Final = 32
CHECKSUM_LENGTH: Final = 6

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM: Final = re.compile(
    rf"{PREFIX}([0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)


def _checksum(secret: str) -> str:
    """CRC-32 of the secret in base62, six digits (62^6 is more than 2^32)."""
    number = zlib.crc32(secret.encode("ascii"))
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def generate_key() -> str:
    """Return a new key in plain text; it is to be shown once and never stored."""
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(SECRET_LENGTH))
    return f"{PREFIX}{secret}{_checksum(secret)}"


def is_well_formed(key: str) -> bool:
    """Whether the text has the form of a key and its checksum is right."""
    match = _FORM.fullmatch(key)
    return match is not None and _checksum(match[1]) == match[2]


def hash_key(key: str) -> str:
    """Return what is stored of a key: its SHA-256 in hexadecimal, 64 characters."""
    return hashlib.sha256(key.encode("ascii")).hexdigest()
