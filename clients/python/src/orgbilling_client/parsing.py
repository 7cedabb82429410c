"""From JSON to the frozen models: strict about what a field is, deaf to fields that a newer service adds."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

M = TypeVar("M")
Convert = Callable[[Any], Any]


class Unreadable(ValueError):
    """A document is not what the API's description says."""


class _Field(NamedTuple):
    name: str
    convert: Convert
    required: bool


def parse(model: type[M], document: Any, **given: Any) -> M:
    """Return the model that a JSON object stands for.

    Args:
        given: fields that aren't in the document.

    Raises:
        Unreadable: a field is missing or of another type.
    """
    if not isinstance(document, Mapping):
        raise Unreadable(f"{model.__name__} should be an object, not {type(document).__name__}.")
    values = dict(given)
    for field in _fields(model):  # type: ignore[arg-type] # a class is hashable
        if field.name in given:
            continue
        if field.name in document:
            try:
                values[field.name] = field.convert(document[field.name])
            except Unreadable as exc:
                raise Unreadable(f"{model.__name__}.{field.name}: {exc}") from exc
        elif field.required:
            raise Unreadable(f"{model.__name__}.{field.name} is missing.")
    return model(**values)


@cache
def _fields(model: Any) -> tuple[_Field, ...]:
    hints = get_type_hints(model)
    return tuple(
        _Field(
            one.name,
            _converter(hints[one.name]),
            one.default is MISSING and one.default_factory is MISSING,
        )
        for one in fields(model)
    )


def _converter(hint: Any) -> Convert:
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        (inner,) = (one for one in arguments if one is not type(None))
        return _optional(_converter(inner))
    if origin is tuple:
        return _sequence(_converter(arguments[0]))
    if origin is Mapping:
        return _object
    if is_dataclass(hint) and isinstance(hint, type):
        return lambda value: parse(hint, value)
    raise TypeError(f"No conversion for {hint!r}.")


def _optional(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _sequence(convert: Convert) -> Convert:
    def converted(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Unreadable(f"a list was expected, not {value!r:.80}")
        return tuple(convert(one) for one in value)

    return converted


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Unreadable(f"an object was expected, not {value!r:.80}")
    return value


def _exactly(kind: type[Any]) -> Convert:
    def same(value: Any) -> Any:
        # Neither is a boolean an integer here, nor the other way round.
        if type(value) is not kind:
            raise Unreadable(f"{kind.__name__} was expected, not {value!r:.80}")
        return value

    return same


def _from_text(read: Callable[[str], Any], what: str) -> Convert:
    def converted(value: Any) -> Any:
        if not isinstance(value, str):
            raise Unreadable(f"{what} was expected, not {value!r:.80}")
        try:
            return read(value)
        except (ValueError, InvalidOperation) as exc:
            raise Unreadable(f"{what} was expected, not {value!r:.80}") from exc

    return converted


_PLAIN: dict[Any, Convert] = {
    str: _exactly(str),
    int: _exactly(int),
    bool: _exactly(bool),
    datetime: _from_text(datetime.fromisoformat, "a time"),
    date: _from_text(date.fromisoformat, "a date"),
    Decimal: _from_text(Decimal, "a decimal number"),
}
