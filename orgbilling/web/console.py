"""What the console's pages share: lists that survive any query string, and pages that only show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from orgbilling.web.paginating import BoundedPaginator
from orgbilling.web.strict_json import storable


@contextmanager
def _lookups() -> Iterator[None]:
    try:
        yield
    except (DataError, ValueError, TypeError, OverflowError) as exc:
        raise IncorrectLookupParameters from exc


def may_be_a_key(model: type[Model], value: str) -> bool:
    """Whether a row of the model can have this id."""
    key = model._meta.pk
    try:
        key.run_validators(key.to_python(value))
    except ValidationError:
        return False
    return storable(value)


class ForgivingAutocomplete(AutocompleteSelect):
    """Choices by searching: an id that no row can have is no choice, where Django asks the database for it."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        """What was chosen, as far as it can be."""
        model = self.field.remote_field.model
        found = [one for one in value if may_be_a_key(model, str(one))]
        return super().optgroups(name, found, attr)


class ForgivingChangeList(ChangeList):
    """A list whose filters may hold what no column can: the list without them is shown, not a failure."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        if not self.is_popup:
            self.title = capfirst(self.opts.verbose_name_plural)

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


class ForgivingAdmin(ModelAdmin):
    """A page whose list survives any query string, and which is not found under an id that no row can have."""

    list_per_page = 50
    paginator: type[Any] = BoundedPaginator

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

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """What the action answers; ids that no row can have are no choice."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(may_be_a_key(self.model, value) for value in chosen):
            self.message_user(request, "Choose rows of the list.", messages.WARNING)
            return None
        answer: HttpResponse | None = super().response_action(request, queryset, *args, **kwargs)
        return answer

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """The field; one that is filled by searching survives any id."""
        if db_field.name in self.get_autocomplete_fields(request):
            using = kwargs.get("using")
            kwargs.setdefault(
                "widget", ForgivingAutocomplete(db_field, self.admin_site, using=using)
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows found, in an order, none for a text that no row can have; and whether they may come twice."""
        if not queryset.ordered:
            # Choices under a field come page by page: without an order one might be on none.
            queryset = queryset.order_by("pk")
        if not storable(search_term):
            return queryset.none(), False
        found: tuple[QuerySet[Any], bool] = super().get_search_results(
            request, queryset, search_term
        )
        return found


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
