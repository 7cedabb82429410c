"""Query strings: a misspelt or repeated parameter is refused.

A filter that is silently dropped would return everything.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Final

from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from orgbilling.web.refusals import FieldError, ValidationRefused
from orgbilling.web.strict_json import storable

#: Understood by the floor itself where an operation documents them.
PAGING: Final = frozenset({"page_size", "cursor"})
FORMAT: Final = "format"


def check_names(parameters: QueryDict, known: Container[str]) -> None:
    """Refuse parameters that are unknown, repeated or unstorable.

    Raises:
        ValidationRefused: naming each.
    """
    wrong: list[FieldError] = []
    for name, values in parameters.lists():
        if name not in known:
            wrong.append(
                _wrong(name, "unknown_parameter", "There is no such query parameter here.")
            )
        elif len(values) > 1:
            wrong.append(_wrong(name, "repeated", "This query parameter may be given once."))
        elif not storable(values[0]):
            wrong.append(_wrong(name, "invalid", "Null characters are not allowed."))
    if wrong:
        raise ValidationRefused(wrong[:20])


def validated_query(
    request: Request, serializer: type[BaseSerializer[Any]], context: Mapping[str, Any]
) -> dict[str, Any]:
    """The query string's own parameters as ``serializer`` validates them.

    Raises:
        ValidationRefused, rest_framework.exceptions.ValidationError: 400.
    """
    checked = serializer(data={}, context=dict(context))
    fields: Mapping[str, Any] = getattr(checked, "fields", {})
    known = {*fields, *PAGING, FORMAT}
    check_names(request.query_params, known)
    own = {name: value for name, value in request.query_params.items() if name in fields}
    checked = serializer(data=own, context=dict(context))
    checked.is_valid(raise_exception=True)
    values: dict[str, Any] = checked.validated_data
    return values


def _wrong(name: str, code: str, detail: str) -> FieldError:
    return {"field": name[:100], "code": code, "detail": detail}
