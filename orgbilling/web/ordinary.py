"""Bodies that are as they should be, recognized at once.

DRF validates a body field by field in layers that serve every kind of field, which takes longer than charging does.
What is recognized here is accepted, with the values that the serializer would give; whatever isn't goes to the
serializer, which alone says what is wrong. The limits are the serializer's own: each field says what it recognizes
beside what it validates, and a serializer of which anything isn't known here recognizes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core import validators as django
from rest_framework import serializers, validators
from rest_framework.fields import empty

#: What isn't recognized. None is a value.
STRANGE: Final = object()
#: What a field makes of a value; STRANGE: ask the serializer.
Recognizer = Callable[[Any], Any]

_LEAST: Final = (django.MinLengthValidator, django.MinValueValidator)
_MOST: Final = (django.MaxLengthValidator, django.MaxValueValidator)
#: They refuse what `storable` refuses.
_TEXT: Final = (
    validators.ProhibitSurrogateCharactersValidator,
    django.ProhibitNullCharactersValidator,
)
_VALIDATORS: Final = frozenset({*_LEAST, *_MOST, *_TEXT})
#: Whoever overrides one of these below its `ordinary` means something that the latter doesn't know.
_VALIDATING: Final = ("run_validation", "validate_empty_values", "to_internal_value")
_OF_A_SERIALIZER: Final = (*_VALIDATING, "validate", "run_validators", "_read_only_defaults")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    recognize: Recognizer
    required: bool
    default: Any


class Ordinary:
    """What a serializer accepts, most of it.

    Args:
        fields: in the order of the serializer.
        exactly_one_of, needed_with: see ``StrictSerializer``.
    """

    def __init__(
        self,
        fields: tuple[_Field, ...],
        exactly_one_of: tuple[str, ...],
        needed_with: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._fields = fields
        self._exactly_one_of = exactly_one_of
        self._needed_with = tuple(needed_with.items())

    def recognize(self, body: Any) -> dict[str, Any] | None:
        """The values that the serializer would give; None: it has to be asked."""
        if type(body) is not dict:
            return None
        values: dict[str, Any] = {}
        known = 0
        for field in self._fields:
            name = field.name
            if name in body:
                value = field.recognize(body[name])
                if value is STRANGE:
                    return None
                known += 1
                values[name] = value
            elif field.required:
                return None
            elif field.default is not empty:
                values[name] = field.default
        if known != len(body) or not self._goes_together(values):
            return None
        return values

    def _goes_together(self, values: dict[str, Any]) -> bool:
        if self._exactly_one_of and sum(map(values.__contains__, self._exactly_one_of)) != 1:
            return False
        for name, others in self._needed_with:
            if name in values and any(other not in values for other in others):
                return False
        return True


def ordinary_of(
    serializer: serializers.Serializer[Any],
    base: type[serializers.Serializer[Any]],
    exactly_one_of: tuple[str, ...],
    needed_with: Mapping[str, tuple[str, ...]],
) -> Ordinary | None:
    """What a serializer recognizes; None when it has a field or a rule that isn't known here.

    Args:
        base: the class whose validating methods are known.
    """
    kind = type(serializer)
    if (
        getattr(serializer.root, "partial", False)
        or serializer.validators
        or any(getattr(kind, name) is not getattr(base, name) for name in _OF_A_SERIALIZER)
        or any(hasattr(kind, f"validate_{name}") for name in serializer.fields)
    ):
        return None
    fields = [_field(name, field) for name, field in serializer.fields.items()]
    known = tuple(field for field in fields if field is not None)
    return Ordinary(known, exactly_one_of, needed_with) if len(known) == len(fields) else None


def limits_of(field: serializers.Field[Any, Any, Any, Any]) -> tuple[float, float]:
    """The least and the most that a field's validators let pass; without limits, the infinities."""
    least = [v.limit_value for v in field.validators if isinstance(v, _LEAST)]
    most = [v.limit_value for v in field.validators if isinstance(v, _MOST)]
    return max(least, default=float("-inf")), min(most, default=float("inf"))


def _field(name: str, field: serializers.Field[Any, Any, Any, Any]) -> _Field | None:
    kind = type(field)
    default = field.default
    if (
        not hasattr(kind, "ordinary")
        or any(_depth(kind, method) < _depth(kind, "ordinary") for method in _VALIDATING)
        or any(type(validator) not in _VALIDATORS for validator in field.validators)
        or field.read_only
        or field.source != name
        or (default is not empty and callable(default))
    ):
        return None
    recognize: Recognizer = field.ordinary()  # type: ignore[attr-defined]
    if field.allow_null:
        recognize = _or_null(recognize)
    return _Field(name, recognize, field.required, default)


def _or_null(recognize: Recognizer) -> Recognizer:
    return lambda value: None if value is None else recognize(value)


def _depth(kind: type, method: str) -> int:
    """How far up its ancestors a class has a method from."""
    return next(place for place, one in enumerate(kind.__mro__) if method in vars(one))
