"""Compact JSON, written by orjson where that writes the very bytes that ``json`` does.

Hashes of requests are compared with those that an older version made, so not one byte may differ. The two differ in
floats, which are left to ``json``, as is whatever orjson refuses.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final

import orjson

_SCALARS: Final = frozenset({str, int, bool, type(None)})
_PLAIN: Final = _SCALARS | {dict, list}
_CONTAINERS: Final = frozenset({dict, list, tuple})
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_SORTED: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def is_plain(value: Any) -> bool:
    """Whether a JSON value has no floats."""
    return _are_plain((value,))


def _are_plain(values: Collection[Any]) -> bool:
    kinds = set(map(type, values))
    if kinds <= _SCALARS:
        return True
    if not kinds <= _PLAIN:
        return False
    for value in values:
        kind = type(value)
        if (kind is dict and not _are_plain(value.values())) or (
            kind is list and not _are_plain(value)
        ):
            return False
    return True


def has_floats(value: Any) -> bool:
    """Whether there is a float in any depth: orjson writes some otherwise, and NaN as null."""
    kind = type(value)
    if kind is dict:
        inner = value.values()
    elif kind is list or kind is tuple:
        inner = value
    else:
        return isinstance(value, float)
    for one in inner:
        kind = type(one)
        if kind is float or (kind in _CONTAINERS and has_floats(one)):
            return True
    return False


def dumps(value: Any) -> bytes:
    """A JSON value as ``json`` writes it: compact, in UTF-8.

    Raises:
        UnicodeEncodeError: a text has a lone surrogate.
    """
    if is_plain(value):
        try:
            return orjson.dumps(value)
        except orjson.JSONEncodeError:
            # An integer of more than 64 bits, or a lone surrogate.
            pass
    return _ENCODER.encode(value).encode()


def dumps_sorted(value: Any) -> bytes:
    """The same with the names of each object in order."""
    if is_plain(value):
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            pass
    return _SORTED.encode(value).encode()
