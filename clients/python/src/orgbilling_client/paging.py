"""Pages of lists: one after the other, by the cursor that the service gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from orgbilling_client.calls import Answer, Call, read
from orgbilling_client.parsing import Unreadable, parse

T = TypeVar("T")

PAGE_SIZE = 100
PAGE_SIZE_MAX = 500


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page, and the call for the next one: None at the end."""

    results: tuple[T, ...]
    following: Call[Page[T]] | None


def pages(
    path: str, model: type[T], query: Mapping[str, object], page_size: int = PAGE_SIZE
) -> Call[Page[T]]:
    """Return the call for a list's first page.

    Raises:
        ValueError: the page size isn't 1 to 500.
    """
    if not 1 <= page_size <= PAGE_SIZE_MAX:
        raise ValueError(f"page_size must be from 1 to {PAGE_SIZE_MAX}, not {page_size}.")
    return _page_call(path, model, {**query, "page_size": page_size})


def _page_call(path: str, model: type[T], query: Mapping[str, object]) -> Call[Page[T]]:
    def page_of(answer: Answer) -> Page[T]:
        document = answer.document
        results = document.get("results") if isinstance(document, Mapping) else None
        if not isinstance(results, list):
            raise Unreadable("A page has a list of results.")
        rows = tuple(parse(model, row) for row in results)
        return Page(rows, _following(path, model, document.get("next")))

    return read(path, page_of, query)


def _following(path: str, model: type[T], address: Any) -> Call[Page[T]] | None:
    if address is None:
        return None
    if not isinstance(address, str):
        raise Unreadable("The next page has an address.")
    # Only the cursor is taken from it: the key goes to base_url and nowhere else, whatever the service is called.
    return _page_call(path, model, dict(parse_qsl(urlsplit(address).query)))
