"""What must not be in a log: keys, passwords, tokens, cookies and e-mail addresses; and what would forge a line.

Secrets are known in three ways: by the name of the field, by their form, and, of this service's own settings, by
their very value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

from orgbilling import env

REDACTED: Final = "[redacted]"
EMAIL: Final = "[email]"
#: Characters of one value; a line of a pipe that several processes share should stay below 4,096 bytes.
LENGTH_MAX: Final = 1_000
#: Looked at for secrets, so that nobody makes the search expensive.
_SEARCHED_MAX: Final = 8_000
#: Shorter ones would blank out words that are no secrets.
_SECRET_LENGTH_MIN: Final = 8
_DEPTH_MAX: Final = 8
#: Values of exactly these types are said as they are.
_PLAIN: Final = frozenset({UUID, int, bool})
#: Texts that are known to be harmless, and the characters of one that may be among them: about 200 kB.
_KEPT_MAX: Final = 1_000
_KEPT_LENGTH_MAX: Final = 128

_SECRET_NAME: Final = re.compile(
    r"password|passwd|secret|token|authorization|cookie|session[_-]?id|api[_-]?key|credential|signature|\bdsn\b"
    r"|^email$",
    re.IGNORECASE,
)
#: Something of this is in every text that one of the patterns matches; most texts have none of it.
_MARKS: Final = (
    *("@", "=", ":", "k_", "whsec_", "eyJ"),
    *("earer ", "asic ", "BEARER ", "BASIC ", "row contains"),
)
_PATTERNS: Final = (
    (re.compile(r"\bobk_[0-9A-Za-z_]{6,}"), f"obk_{REDACTED}"),
    (re.compile(r"\b((?:sk|rk|pk)_|whsec_)[0-9A-Za-z_]{6,}"), rf"\1{REDACTED}"),
    (re.compile(r"\beyJ[\w-]{5,2000}\.[\w-]{1,4000}(?:\.[\w-]{0,2000})?"), REDACTED),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{4,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"://[^\s:/@]{0,200}:\S{1,1000}@"), f"://{REDACTED}@"),
    (
        re.compile(
            r"((?:password|passwd|secret|token|authorization|cookie|session[_-]?id|api[_-]?key)[\"']?\s{0,3}[=:]\s{0,3}"
            r"(?:(?:token|digest|negotiate|apikey)\s+)?)(?:\"[^\"]{0,2000}\"|'[^']{0,2000}'|[^\s,;&)}\]]{1,2000})",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
    # PostgreSQL quotes the row that a constraint refused.
    (re.compile(r"row contains \(.*", re.DOTALL), f"row contains ({REDACTED})"),
    (re.compile(r"[\w.+%-]{1,64}@[\w-]{1,255}(?:\.[\w-]{1,63})+"), EMAIL),
)


def clean_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an event as plain JSON values, without secrets, each text on one line."""
    return {
        name: REDACTED if is_secret_name(name) and value else clean(value)
        for name, value in fields.items()
    }


def clean(value: Any, depth: int = 0) -> Any:
    """One value, likewise; what has no JSON form becomes its text."""
    if isinstance(value, str):
        return clean_text(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _clean_inside(value, depth)


def _clean_inside(value: Any, depth: int) -> Any:
    if depth < _DEPTH_MAX:
        if isinstance(value, Mapping):
            return {
                clean_text(str(name)): REDACTED
                if is_secret_name(str(name)) and inner
                else clean(inner, depth + 1)
                for name, inner in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [clean(inner, depth + 1) for inner in value]
    return clean_text(str(value))


def clean_text(text: str) -> str:
    """The text without secrets, with every character that isn't printable escaped, and not too long."""
    harmless = _HARMLESS.texts(env.SECRETS)
    if text in harmless:
        return text
    cleaned = _cleaned(text)
    if cleaned == text and len(text) <= _KEPT_LENGTH_MAX:
        if len(harmless) >= _KEPT_MAX:
            harmless.clear()
        harmless.add(text)
    return cleaned


def _cleaned(text: str) -> str:
    if len(text) > _SEARCHED_MAX:
        text = text[:_SEARCHED_MAX]
    text = _without_secrets(text)
    if not text.isprintable():
        text = "".join(map(_escaped, text))
    return text if len(text) <= LENGTH_MAX else text[:LENGTH_MAX] + "…"


def are_clean(values: Sequence[Any]) -> bool:
    """Whether ``clean`` would alter none of these values of one field: plain ones, or texts alone."""
    kinds = set(map(type, values))
    if kinds != {str}:
        return kinds <= _PLAIN
    # What all of them together don't have, none of them has: most often one look is enough.
    together = "".join(values)
    nothing_found = (
        together.isprintable()
        and not _is_marked(together)
        and not any(secret in together for secret in _own_secrets(frozenset(env.SECRETS)))
    )
    if nothing_found and max(map(len, values)) <= LENGTH_MAX:
        return True
    return all(clean_text(text) == text for text in values)


class _Harmless:
    """Texts in which nothing was found: names of events, routes and services come with every line.

    What was altered is never kept. All are forgotten when the settings have another secret.
    """

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._secrets: set[str] | None = None
        self._count = 0

    def texts(self, secrets: set[str]) -> set[str]:
        """Those that hold none of these, nor anything else that mustn't be said; secrets are only ever added."""
        if self._secrets is not secrets or self._count != len(secrets):
            self._texts, self._secrets, self._count = set(), secrets, len(secrets)
        return self._texts


_HARMLESS: Final = _Harmless()


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether what a field of this name holds is nobody's to read."""
    return _SECRET_NAME.search(name) is not None


def _without_secrets(text: str) -> str:
    for secret in _own_secrets(frozenset(env.SECRETS)):
        if secret in text:
            text = text.replace(secret, REDACTED)
    if _is_marked(text):
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
    return text


def _is_marked(text: str) -> bool:
    for mark in _MARKS:  # noqa: SIM110 - a generator takes twice as long, for every text
        if mark in text:
            return True
    return False


@lru_cache(maxsize=2)
def _own_secrets(secrets: frozenset[str]) -> tuple[str, ...]:
    """What of the settings' secrets is looked for, the longest first."""
    return tuple(sorted(_values(secrets), key=len, reverse=True))


def _values(secrets: Iterable[str]) -> set[str]:
    found = set()
    for secret in secrets:
        # Of an address the password alone: the rest is everywhere.
        if "://" in secret:
            password = urlsplit(secret).password or ""
            found |= {password, unquote(password)}
        else:
            found.add(secret)
    return {one for one in found if len(one) >= _SECRET_LENGTH_MIN}


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
