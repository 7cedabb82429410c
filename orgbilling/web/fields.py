"""Serializer fields that mean what they say: no coercion, no text that PostgreSQL can't keep.

DRF's own fields take ``"1"``, ``1.0``, ``true`` and Arabic digits for the integer 1; in a billing
call each of these is a caller's mistake that must be answered.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from orgbilling.web.ordinary import STRANGE, Ordinary, Recognizer, limits_of, ordinary_of
from orgbilling.web.refusals import UnknownField
from orgbilling.web.responses import encode, money, rfc3339
from orgbilling.web.strict_json import storable
from orgbilling.web.views import parse_id

CREDITS_MAX: Final = 10**15
METADATA_BYTES_MAX: Final = 8 * 1024
_ID_LENGTH: Final = 36

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_MONEY = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,2})?")
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class StrictSerializer(serializers.Serializer[Any]):
    """A body whose every field is known: others, and read-only ones, are 400 ``unknown_field``."""

    #: Of these fields a body has exactly one; checked here, and said in the OpenAPI document.
    exactly_one_of: ClassVar[tuple[str, ...]] = ()
    #: What each of them needs beside it.
    needed_with: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def run_validation(self, data: Any = empty) -> Any:
        """Take a body that is as it should be at once; what is wrong with another is said field by field."""
        values = self._ordinary.recognize(data) if self._ordinary is not None else None
        return super().run_validation(data) if values is None else values

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields before looking at the known ones."""
        if isinstance(data, Mapping):
            known = self._known
            unknown = [name for name in data if name not in known]
            if unknown:
                raise UnknownField([".".join((*self._path(), str(name))) for name in unknown])
        values = super().to_internal_value(data)
        if self.exactly_one_of and sum(name in values for name in self.exactly_one_of) != 1:
            message = f"Exactly one of {' and '.join(self.exactly_one_of)} is required."
            raise serializers.ValidationError(
                {self.exactly_one_of[0]: [message]}, code="exactly_one"
            )
        self._refuse_alone(values)
        return values

    @cached_property
    def _ordinary(self) -> Ordinary | None:
        return ordinary_of(self, StrictSerializer, self.exactly_one_of, self.needed_with)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(name for name, field in self.fields.items() if not field.read_only)

    def _refuse_alone(self, values: Mapping[str, Any]) -> None:
        missing = {
            needed: [f"{name} needs it beside it."]
            for name, others in self.needed_with.items()
            for needed in others
            if name in values and needed not in values
        }
        if missing:
            raise serializers.ValidationError(missing, code="required")

    def _path(self) -> tuple[str, ...]:
        names: list[str] = []
        node: Any = self
        while node is not None:
            if node.field_name:
                names.append(node.field_name)
            node = node.parent
        return tuple(reversed(names))


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer: ``true``, ``1.0`` and ``"1"`` are refused."""

    default_error_messages = {"invalid": "A JSON integer is required."}

    def to_internal_value(self, data: Any) -> int:
        """Take an int that is not a bool."""
        if type(data) is not int:
            self.fail("invalid")
        return int(data)

    def ordinary(self) -> Recognizer:
        """An int within the limits."""
        least, most = limits_of(self)
        return lambda value: value if type(value) is int and least <= value <= most else STRANGE


class CreditsField(StrictIntegerField):
    """An amount of credits, 1 to 10^15."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": CREDITS_MAX, **kwargs})


class StrictBooleanField(serializers.BooleanField):
    """``true`` or ``false``: not 1, not ``"yes"``."""

    default_error_messages = {"invalid": "true or false is required."}

    def to_internal_value(self, data: Any) -> bool:
        """Take a bool."""
        if type(data) is not bool:
            self.fail("invalid")
        return bool(data)

    def ordinary(self) -> Recognizer:
        """A bool."""
        return lambda value: value if type(value) is bool else STRANGE


class StrictCharField(serializers.CharField):
    """A JSON string, without NUL characters and lone surrogates, kept as it came: spaces are not trimmed."""

    default_error_messages = {"unstorable": "Null characters and lone surrogates are not allowed."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        """Take a str that PostgreSQL can keep."""
        if not isinstance(data, str):
            self.fail("invalid")
        if not storable(data):
            self.fail("unstorable")
        return super().to_internal_value(data)

    def ordinary(self) -> Recognizer:
        """A str within the limits of length, of printable characters: none of them is one that can't be stored."""
        least, most = limits_of(self)
        least = max(least, 1)
        if self.trim_whitespace:
            return lambda _value: STRANGE
        return lambda value: (
            value
            if type(value) is str and least <= len(value) <= most and value.isprintable()
            else STRANGE
        )


class StrictUUIDField(serializers.UUIDField):
    """A UUID as a canonical string (RFC 9562, section 4)."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        """Take the 36 characters; no braces, no ``urn:uuid:``, no integers."""
        parsed = parse_id(data) if isinstance(data, str) else None
        if parsed is None:
            self.fail("invalid", value=data)
        return parsed

    def ordinary(self) -> Recognizer:
        """The 36 characters."""
        return _recognized_id


@extend_schema_field(
    {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,2})?$", "examples": ["50.00"]}
)
class MoneyField(serializers.Field[Decimal, str, str, Any]):
    """An amount of money as a decimal string, ``"50.00"``: 0 to 999999999999.99.

    Args:
        min_value: the least amount, 0 by default.
    """

    default_error_messages = {
        "invalid": (
            "A decimal string with at most twelve digits and two places is required, "
            'such as "50.00".'
        ),
        "min_value": "The amount must be at least {min_value}.",
    }

    def __init__(self, *, min_value: Decimal = Decimal(0), **kwargs: Any) -> None:
        self.min_value = min_value
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        """Take a str of digits, as a Decimal with two places."""
        if not isinstance(data, str) or not _MONEY.fullmatch(data):
            self.fail("invalid")
        amount = Decimal(data).quantize(Decimal("0.01"))
        if amount < self.min_value:
            self.fail("min_value", min_value=money(self.min_value))
        return amount

    def to_representation(self, value: Decimal) -> str:
        """Two places."""
        return f"{value:.2f}"


class UtcDateTimeField(serializers.DateTimeField):
    """A moment (RFC 3339) with its offset; given back in UTC, ``2026-11-22T16:00:00Z``."""

    default_error_messages = {
        "invalid": "A moment in RFC 3339 with its offset is required, such as 2026-11-22T16:00:00Z."
    }
    #: What to do with a moment that has no UTC form because its year would be 0 or 10000.
    clamp = False

    def to_internal_value(self, value: Any) -> datetime:
        """Take an RFC 3339 string."""
        if not isinstance(value, str) or not _RFC3339.fullmatch(value):
            self.fail("invalid", format="RFC 3339")
        try:
            local = datetime.fromisoformat(value.upper().replace(" ", "T"))
        except ValueError:
            self.fail("invalid", format="RFC 3339")
        try:
            return local.astimezone(UTC)
        except OverflowError:
            if not self.clamp:
                self.fail("overflow")
            return _FIRST if local.year == 1 else _LAST

    def to_representation(self, value: Any) -> str:
        """Whole seconds, UTC."""
        return rfc3339(value) or ""


class MetadataField(serializers.DictField):
    """A JSON object of at most 8 KiB, kept as it came."""

    default_error_messages = {
        "not_a_dict": "A JSON object is required.",
        "too_large": f"The object may have at most {METADATA_BYTES_MAX} bytes as compact JSON.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Take a dict. Its texts and numbers were checked when the body was parsed."""
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        if len(encode(data)) > METADATA_BYTES_MAX:
            self.fail("too_large")
        return data

    def ordinary(self) -> Recognizer:
        """A dict that isn't too large."""
        return lambda value: (
            value
            if type(value) is dict and (not value or len(encode(value)) <= METADATA_BYTES_MAX)
            else STRANGE
        )


def _recognized_id(value: Any) -> Any:
    return _remembered(value) if type(value) is str and len(value) == _ID_LENGTH else STRANGE


@lru_cache(maxsize=4096)
def _remembered(text: str) -> Any:
    """A batch names its organization a thousand times, and few members."""
    parsed = parse_id(text)
    return STRANGE if parsed is None else parsed


class QueryCharField(StrictCharField):
    """A text in the query string."""


class QueryUUIDField(StrictUUIDField):
    """A UUID in the query string."""


class QueryDateTimeField(UtcDateTimeField):
    """A moment in the query string; an unescaped ``+`` arrives as a space and is understood."""

    clamp = True

    def to_internal_value(self, value: Any) -> datetime:
        """Take an RFC 3339 string, also one whose plus sign was not escaped."""
        if isinstance(value, str) and len(value) > 6 and value[-6] == " " and value[-3] == ":":
            value = f"{value[:-6]}+{value[-5:]}"
        return super().to_internal_value(value)
