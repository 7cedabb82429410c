"""Conditions of CHECK constraints, in the fewest words.

PostgreSQL reads the stored text of every CHECK of a table anew for each statement that writes a row, so each word is
paid for by each charge ([decision 35](../../docs/adr/0035-what-a-charge-pays-for.md)).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, Func, Q, Value
from django.db.models.lookups import IsNull, Lookup


class OneOf(Func):
    """Whether a column has one of some values, which are one constant: ``IN`` is stored value by value, with casts.

    Args:
        column: the column's name.
        array: the values as PostgreSQL writes an array, ``{…}``; see ``one_of``.
    """

    arity = 2
    arg_joiner = " = ANY ("
    template = "%(expressions)s)"
    output_field = BooleanField()

    def __init__(self, column: Any, array: Any) -> None:
        super().__init__(column, array)


class Null(IsNull):
    """Whether a column is null, as an argument: Django's own ends the whole condition when it knows the value."""

    empty_result_set_value = False


class Same(Func):
    """Whether two conditions are both true or both false; see ``both_or_neither``."""

    arity = 2
    arg_joiner = ") = ("
    template = "((%(expressions)s))"
    output_field = BooleanField()


def one_of(column: str, values: Iterable[str]) -> Q:
    """Whether a column of text has one of the values.

    Raises:
        ValueError: a value isn't a plain word, which an array would have to quote.
    """
    words = list(values)
    if not all(word.isidentifier() for word in words):
        raise ValueError(words)
    return Q(OneOf(column, Value(f"{{{','.join(words)}}}")))


def both_or_neither(one: Lookup[Any], other: Lookup[Any]) -> Q:
    """Whether both hold or neither does; a null one would let every row pass, so ask a nullable column `Null`."""
    return Q(Same(one, other))
