"""What the console's pages share: lists that survive any query string, and pages that only show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest

from orgbilling.web.strict_json import storable


@contextmanager
def _lookups() -> Iterator[None]:
    try:
        yield
    except (DataError, ValueError, TypeError, OverflowError) as exc:
        raise IncorrectLookupParameters from exc


class ForgivingChangeList(ChangeList):
    """A list whose filters may hold what no column can: the list without them is shown, not a failure."""

    def get_filters(self, request: HttpRequest) -> Any:
        """Read the filters.

        Raises:
            IncorrectLookupParameters: a date beyond the calendar.
        """
        with _lookups():
            return super().get_filters(request)

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page.

        Raises:
            IncorrectLookupParameters: the database or its driver can't take a filter's value.
        """
        with _lookups():
            super().get_results(request)


class ForgivingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A page whose list survives any query string, and which is not found under an id that no row can have."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The forgiving one."""
        return ForgivingChangeList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """The row, None when there is none."""
        if not storable(object_id):
            return None
        return super().get_object(request, object_id, from_field)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows found, none for a text that no row can have; and whether they may come twice."""
        if not storable(search_term):
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)


class ReadOnlyAdmin(ForgivingAdmin):
    """Shows rows; adds, changes and deletes none."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False
