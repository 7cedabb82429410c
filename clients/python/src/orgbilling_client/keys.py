"""Idempotency keys: one for each thing that is to happen once, however often it is asked for."""

from __future__ import annotations

import hashlib
import re
import secrets

#: What the service takes in the header ``Idempotency-Key``.
USABLE = re.compile(r"[\x21-\x7e]{1,255}")
LONGEST = 255


def new_key() -> str:
    """Return a key that nobody has used: 32 hexadecimal digits, from the system's source of randomness."""
    return secrets.token_hex(16)


def checked(key: str) -> str:
    """Return the key as it is.

    Raises:
        ValueError: it isn't 1 to 255 visible ASCII characters.
    """
    if not USABLE.fullmatch(key):
        raise ValueError(f"An idempotency key is 1 to 255 visible ASCII characters, not {key!r}.")
    return key


def derived(key: str, part: str) -> str:
    """Return the key of a part of what ``key`` stands for: the same one each time.

    A key too long to be continued is replaced by its SHA-256.
    """
    continued = f"{key}.{part}"
    if len(continued) <= LONGEST:
        return continued
    return f"{hashlib.sha256(key.encode()).hexdigest()}.{part}"
