"""What every line says of the request or job in which it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_bound: ContextVar[Mapping[str, Any]] = ContextVar("log_fields", default=_NOTHING)


def bound_fields() -> Mapping[str, Any]:
    """The fields of the current request or job; none outside of both."""
    return _bound.get()


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Have every line say this too, meanwhile."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)
