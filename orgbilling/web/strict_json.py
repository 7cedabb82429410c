"""Strict JSON: what RFC 8259 leaves open is refused, because two parsers must never read one body differently.

Refused: duplicate keys, NaN and Infinity, numbers beyond a double (``1e999``), integers of more than
4,300 digits, NUL characters and lone surrogates (PostgreSQL can't keep either), a byte order mark,
encodings other than UTF-8, nesting over 32.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from orgbilling.web.refusals import MalformedJson

MAX_DEPTH = 32

# Linear by construction: a backslash, and nothing else, ends a run of other bytes inside a string.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def loads(raw: bytes) -> Any:
    """Parse one JSON text.

    Raises:
        MalformedJson: the text isn't strict JSON; the detail says what is wrong with it.
    """
    _refuse_depth(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        detail = f"The body is not UTF-8: byte {exc.start} doesn't belong there."
        raise MalformedJson(detail) from exc
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as exc:
        detail = f"The body is not JSON: {exc.msg}, line {exc.lineno} column {exc.colno}."
        raise MalformedJson(detail) from exc
    except (ValueError, RecursionError) as exc:
        # int() refuses more than 4,300 digits.
        raise MalformedJson from exc
    if b"\\u" in raw:
        _refuse_unstorable(value)
    return value


def _refuse_depth(raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _without_strings(raw).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            detail = f"The body is nested deeper than {MAX_DEPTH}."
            raise MalformedJson(detail)


def _without_strings(raw: bytes) -> bytes:
    """What stands outside of strings; of one that isn't closed, its text too."""
    between = raw.split(b'"')
    if len(between) % 2 == 1 and b"\\" not in raw:
        # Nothing is escaped and every quote has its other one: splitting takes a quarter of the time.
        return b"".join(between[::2])
    return _STRING.sub(b"", raw)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        detail = "An object in the body has the same key twice."
        raise MalformedJson(detail)
    return members


def _no_constant(name: str) -> NoReturn:
    detail = f"{name} is not a JSON number."
    raise MalformedJson(detail)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        detail = "A number in the body is too large."
        raise MalformedJson(detail)
    return number


def _refuse_unstorable(value: Any) -> None:
    """Only escapes can smuggle these in: raw control characters and surrogates fail before."""
    if isinstance(value, str):
        if not storable(value):
            detail = "A text in the body has a NUL character or a lone surrogate."
            raise MalformedJson(detail)
    elif isinstance(value, dict):
        for key, member in value.items():
            _refuse_unstorable(key)
            _refuse_unstorable(member)
    elif isinstance(value, list):
        for item in value:
            _refuse_unstorable(item)


def storable(text: str) -> bool:
    """Whether PostgreSQL can keep ``text``: no NUL, no lone surrogate."""
    return "\x00" not in text and (text.isascii() or not _SURROGATE.search(text))


_SURROGATE = re.compile("[\ud800-\udfff]")
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
)
