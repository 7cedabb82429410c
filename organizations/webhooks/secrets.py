"""Endpoints' secrets: made here, shown once, and kept encrypted.

The key is derived from SECRET_KEY, so that a dump of the database alone signs nothing. SECRET_KEY_FALLBACKS are
tried too: after a change of SECRET_KEY what is kept stays readable as long as the former one stands there.
"""

from __future__ import annotations

import base64
import functools
import secrets
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

#: What a secret begins with, by the Standard Webhooks; the rest is base64.
PREFIX: Final = "whsec_"
BYTES: Final = 32
_PURPOSE: Final = b"orgbilling webhook secrets v1"


class SecretUnreadable(Exception):
    """A kept secret was encrypted by a SECRET_KEY that is neither the current one nor a fallback."""


def new_secret() -> str:
    """A secret as its owner is shown it: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def encrypted(secret: str) -> str:
    """The secret as the database keeps it."""
    return (
        _box(settings.SECRET_KEY, tuple(settings.SECRET_KEY_FALLBACKS))
        .encrypt(secret.encode())
        .decode()
    )


def decrypted(kept: str) -> str:
    """The secret that was kept. Raises SecretUnreadable."""
    box = _box(settings.SECRET_KEY, tuple(settings.SECRET_KEY_FALLBACKS))
    try:
        return box.decrypt(kept.encode()).decode()
    except InvalidToken as exc:
        raise SecretUnreadable from exc


def renewed(kept: str) -> str | None:
    """The same secret by the current key, if a former one has encrypted it; None: it needs nothing.

    Raises:
        SecretUnreadable: no key that is known reads it.
    """
    try:
        _box(settings.SECRET_KEY, ()).decrypt(kept.encode())
    except InvalidToken:
        return encrypted(decrypted(kept))
    return None


@functools.lru_cache(maxsize=4)
def _box(key: str, fallbacks: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(text)) for text in (key, *fallbacks)])


def _derived(text: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(text.encode())
    return base64.urlsafe_b64encode(derived)
