"""A call to the service as data: what is sent, and how its answer is read. Nothing here does any I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

from orgbilling_client import keys
from orgbilling_client.errors import ConfigurationError

T = TypeVar("T")

BASE: Final = "/api/v1/org-billing"
Id = str | UUID


class Repeat(Enum):
    """Whether a call may be sent again when nobody knows what became of it."""

    SAFE = "it changes nothing"
    KEYED = "its key makes it happen once"
    ONCE = "only what certainly did nothing may be sent again"


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: its JSON document, and whether it is a replay."""

    document: Any
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call; ``path`` begins at the service's root."""

    method: str
    path: str
    parse: Callable[[Answer], T]
    repeat: Repeat
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    key: str | None = None
    #: Whether the body itself names the key, or one for each of its parts: then no header does.
    key_in_body: bool = False
    #: Statuses of 4xx and 5xx whose answer is a result all the same.
    accepts: frozenset[int] = frozenset()

    @property
    def target(self) -> str:
        """The path with its query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


def read(
    path: str,
    parse: Callable[[Answer], T],
    query: Mapping[str, object] | None = None,
    *,
    accepts: frozenset[int] = frozenset(),
) -> Call[T]:
    """Return a GET; parameters that are None are left out."""
    return Call("GET", path, parse, Repeat.SAFE, query=texts(query or {}), accepts=accepts)


def keyed(
    path: str, parse: Callable[[Answer], T], body: Mapping[str, object], key: str | None
) -> Call[T]:
    """Return a POST that happens once for its key: the one given, or a new one.

    Raises:
        ValueError: the key isn't 1 to 255 visible ASCII characters, or the body can't be said in JSON.
    """
    chosen = keys.new_key() if key is None else keys.checked(key)
    return Call("POST", path, parse, Repeat.KEYED, body=encoded(body), key=chosen)


def once(
    method: str,
    path: str,
    parse: Callable[[Answer], T],
    body: Mapping[str, object] | None = None,
    query: Mapping[str, object] | None = None,
) -> Call[T]:
    """Return a change that the service takes no key for."""
    content = None if body is None else encoded(body)
    return Call(method, path, parse, Repeat.ONCE, query=texts(query or {}), body=content)


def encoded(body: Mapping[str, object]) -> bytes:
    """Return the body as strict JSON.

    Raises:
        ValueError: a number isn't finite or a text isn't Unicode.
        TypeError: a value has no JSON.
    """
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, default=_plain)
    return text.encode()


def given(**members: object) -> dict[str, object]:
    """Return the members that aren't None."""
    return {name: value for name, value in members.items() if value is not None}


def _plain(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} can't be sent as JSON: {value!r:.80}")


def texts(query: Mapping[str, object]) -> dict[str, str]:
    """Return the parameters that are given, as they stand in a query."""
    return {name: _text(value) for name, value in query.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value)
    return str(value)


def moment(value: datetime) -> str:
    """Return a time as the service reads it.

    Raises:
        ValueError: it has no time zone, so nobody knows when it is.
    """
    if value.tzinfo is None:
        raise ValueError(f"A time needs a time zone: {value!r}")
    return value.isoformat()


def segment(name: str, value: Id) -> str:
    """Return an id as a part of a path.

    Raises:
        ValueError: it isn't a UUID; in a path anything else could lead elsewhere.
    """
    try:
        return quote(str(UUID(str(value))), safe="")
    except ValueError as exc:
        raise ValueError(f"{name} must be a UUID, not {value!r}.") from exc


def org_of(given: Id | None, default: str | None) -> str:
    """Return the organization that a call is about.

    Raises:
        ConfigurationError: none was named, neither with the call nor with the client.
    """
    chosen = given if given is not None else default
    if chosen is None:
        raise ConfigurationError(
            "Which organization? Pass org_id, or give the client one: Client(org_id=...) or ORGBILLING_ORG_ID."
        )
    return str(chosen)
