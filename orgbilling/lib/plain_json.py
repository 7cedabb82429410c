"""Compact JSON, written by orjson where that writes the very bytes that ``json`` does.

Hashes of requests are compared with those that an older version made, so not one byte may differ. The two differ in
floats, which are left to ``json``, as is whatever orjson refuses.
"""

from __future__ import annotations

import json
from typing import Any, Final
from uuid import UUID

import orjson

#: Types that hold nothing: an answer has ids as well.
_SCALARS: Final = frozenset({str, int, bool, type(None), UUID})
_ARRAYS: Final = (list, tuple)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_SORTED: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def has_floats(value: Any) -> bool:
    """Whether there is a float in any depth: orjson writes some otherwise, and NaN as null."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, _ARRAYS):
        return isinstance(value, float)
    for one in value:  # noqa: SIM110 - a generator takes twice as long, for every value of every answer
        if type(one) not in _SCALARS and has_floats(one):
            return True
    return False


def dumps(value: Any) -> bytes:
    """A JSON value as ``json`` writes it: compact, in UTF-8.

    Raises:
        UnicodeEncodeError: a text has a lone surrogate.
    """
    return _written(value, 0, _ENCODER)


def dumps_sorted(value: Any) -> bytes:
    """The same with the names of each object in order."""
    return _written(value, orjson.OPT_SORT_KEYS, _SORTED)


def _written(value: Any, option: int, otherwise: json.JSONEncoder) -> bytes:
    if has_floats(value):
        return otherwise.encode(value).encode()
    try:
        return orjson.dumps(value, option=option)
    except orjson.JSONEncodeError:
        # It refuses integers of more than 64 bits, and lone surrogates.
        return otherwise.encode(value).encode()
