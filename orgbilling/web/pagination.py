"""Keyset pages: stable while rows are inserted, and as fast on page 1,000 as on page 1."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from django.core import signing
from django.db.models import Q, QuerySet
from rest_framework.request import Request

from orgbilling.web.query import check_names
from orgbilling.web.refusals import FieldError, ValidationRefused

Row = TypeVar("Row")

PAGE_SIZE_DEFAULT: Final = 50
PAGE_SIZE_MAX: Final = 500
_CURSOR_LENGTH_MAX: Final = 1_024
_SALT: Final = "orgbilling.web.pagination"


class Cursor(NamedTuple):
    """A place between two rows: the ordering values of one row, and which way to read from it."""

    backwards: bool
    values: tuple[Any, ...]


class Keyset:
    """An ordering by which pages are cut.

    Args:
        ordering: fields, ``-`` for descending, the last of them unique; none of them nullable.
            Dotted look-ups (``org__name``) are allowed.
    """

    def __init__(self, ordering: Sequence[str] = ("-created_at", "-id")) -> None:
        self.ordering = tuple(ordering)
        self._fields = tuple(name.removeprefix("-") for name in ordering)
        self._descending = tuple(name.startswith("-") for name in ordering)

    def order_by(self, *, backwards: bool) -> tuple[str, ...]:
        """The ordering, or its opposite."""
        return tuple(
            name if descending == backwards else f"-{name}"
            for name, descending in zip(self._fields, self._descending, strict=True)
        )

    def beyond(self, cursor: Cursor) -> Q:
        """The rows after the cursor's row in its direction."""
        beyond, equal = Q(), Q()
        for name, descending, value in zip(
            self._fields, self._descending, cursor.values, strict=True
        ):
            comparison = "gt" if descending == cursor.backwards else "lt"
            beyond |= equal & Q(**{f"{name}__{comparison}": value})
            equal &= Q(**{name: value})
        # Implied by the rest, but only this one lets PostgreSQL start in the middle of an index.
        first = "gte" if self._descending[0] == cursor.backwards else "lte"
        return Q(**{f"{self._fields[0]}__{first}": cursor.values[0]}) & beyond

    def cursor_at(self, row: Any, *, backwards: bool) -> str:
        """An opaque, signed cursor at ``row``."""
        values = [_packed(_value(row, name)) for name in self._fields]
        return signing.dumps([self.ordering, backwards, values], salt=_SALT)

    def parse(self, token: str) -> Cursor:
        """The cursor behind ``token``.

        Raises:
            ValidationRefused: not a cursor of ours, or one of another list.
        """
        detail = "This is not a cursor of this list. Start without one and follow next."
        refused = _refused("cursor", "invalid_cursor", detail)
        if len(token) > _CURSOR_LENGTH_MAX:
            raise refused
        try:
            ordering, backwards, values = signing.loads(token, salt=_SALT)
        except (signing.BadSignature, ValueError) as exc:
            raise refused from exc
        if tuple(ordering) != self.ordering:
            raise refused
        return Cursor(bool(backwards), tuple(_unpacked(value) for value in values))


def paginate(
    request: Request,
    rows: QuerySet[Any, Row],
    render: Callable[[Row], Any],
    ordering: Sequence[str] = ("-created_at", "-id"),
) -> dict[str, Any]:
    """One page of ``rows``: ``{"results": [...], "next": URL or None, "previous": URL or None}``.

    Takes ``?page_size=`` (1 to 500, default 50) and ``?cursor=`` from the request; the links keep its
    other parameters.

    Args:
        request: the request whose answer this is.
        rows: the rows that the caller may see, filtered; their ordering is replaced.
        render: a row as the dictionary to answer with.
        ordering: see ``Keyset``.

    Raises:
        ValidationRefused: a page size out of range, a cursor that isn't ours, either one given twice.
    """
    parameters = request.query_params
    check_names(parameters, parameters.keys())
    keyset, size = Keyset(ordering), page_size(parameters.get("page_size"))
    token = parameters.get("cursor")
    cursor = keyset.parse(token) if token is not None else None
    backwards = cursor is not None and cursor.backwards
    selected = rows.order_by(*keyset.order_by(backwards=backwards))
    if cursor is not None:
        selected = selected.filter(keyset.beyond(cursor))
    page = list(selected[: size + 1])
    more = len(page) > size
    page = page[:size]
    if backwards:
        page.reverse()
    return _assembled(request, keyset, page, [render(row) for row in page], _Ends(cursor, more))


def page_size(text: str | None) -> int:
    """The page size asked for.

    Raises:
        ValidationRefused: not a whole number from 1 to 500.
    """
    if text is None:
        return PAGE_SIZE_DEFAULT
    if text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= PAGE_SIZE_MAX:
        return int(text)
    detail = f"The page size is a whole number from 1 to {PAGE_SIZE_MAX}."
    raise _refused("page_size", "invalid", detail)


class _Ends(NamedTuple):
    """How the page was reached and whether its direction goes on."""

    cursor: Cursor | None
    more: bool

    @property
    def has_next(self) -> bool:
        return self.more if self.cursor is None or not self.cursor.backwards else True

    @property
    def has_previous(self) -> bool:
        if self.cursor is None:
            return False
        return self.more if self.cursor.backwards else True


def _assembled(
    request: Request, keyset: Keyset, page: Sequence[Any], results: Iterable[Any], ends: _Ends
) -> dict[str, Any]:
    following = previous = None
    if page and ends.has_next:
        following = _link(request, keyset.cursor_at(page[-1], backwards=False))
    if page and ends.has_previous:
        previous = _link(request, keyset.cursor_at(page[0], backwards=True))
    return {"results": list(results), "next": following, "previous": previous}


def _link(request: Request, token: str) -> str:
    parameters = request.query_params.copy()
    parameters["cursor"] = token
    return request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")


def _value(row: Any, name: str) -> Any:
    for part in name.split("__"):
        row = row[part] if isinstance(row, dict) else getattr(row, part)
    return row


def _packed(value: Any) -> list[str | int]:
    if isinstance(value, dt.datetime):
        return ["t", value.isoformat()]
    if isinstance(value, dt.date):
        return ["d", value.isoformat()]
    if isinstance(value, uuid.UUID):
        return ["u", value.hex]
    if isinstance(value, str | int):
        return ["", value]
    message = f"A page can't be cut at a {type(value).__name__}."
    raise TypeError(message)


_UNPACK: dict[str, Callable[[Any], Any]] = {
    "t": dt.datetime.fromisoformat,
    "d": dt.date.fromisoformat,
    "u": uuid.UUID,
    "": lambda value: value,
}


def _unpacked(packed: Any) -> Any:
    kind, value = packed
    return _UNPACK[kind](value)


def _refused(field: str, code: str, detail: str) -> ValidationRefused:
    wrong: FieldError = {"field": field, "code": code, "detail": detail}
    return ValidationRefused([wrong])
