"""What the lists of the ledger share: a bar of filters above the rows, and columns that people read.

Django's own filters by a related row offer the rows of all organizations: none is used here.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from credits.admin import wording
from credits.models import Allocation, Service
from organizations.models import Member, Organization, User
from organizations.scoping import ScopedAdmin, ScopedChangeList, current_org_id, reach_of

#: Up to as many people are offered in a list; beyond, a part of a name or address is asked for.
PEOPLE_OFFERED: Final = 100
#: Days that can be asked for, well inside the calendar in every zone.
FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2999, 12, 31)


class FilterBar(forms.Form):
    """The filters of one list: by member, unless the person sees their own rows alone."""

    member_column: ClassVar[str] = "user_id"

    member = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": "Name or e-mail", "autocomplete": "off"}),
    )

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.GET, auto_id="filter_%s")
        self.org_id = current_org_id(request)
        self.offered: list[User] = []
        self.zone = _zone(self.org_id)
        self._offer_members(request)

    def _offer_members(self, request: HttpRequest) -> None:
        reach = reach_of(request)
        if self.org_id is None and reach.everything:
            return
        if self.org_id is None or not reach.runs(self.org_id):
            # Who sees their own rows alone has nobody to choose.
            del self.fields["member"]
            return
        people = User.objects.filter(pk__in=_people_of(self.org_id)).order_by("name", "email")
        found = list(people[: PEOPLE_OFFERED + 1])
        if len(found) <= PEOPLE_OFFERED:
            self.offered = found
            choices = [(str(user.pk), user.name or user.email) for user in found]
            self.fields["member"] = forms.ChoiceField(
                choices=[("", "Everybody"), *choices], required=False
            )

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that pass; none when a filter can't be understood."""
        if not self.is_valid():
            return rows.none()
        wanted = self.cleaned_data.get("member")
        if not wanted:
            return rows
        if self.offered:
            return rows.filter(**{self.member_column: UUID(wanted)})
        return rows.filter(**{f"{self.member_column}__in": self._people(wanted)})

    @property
    def is_used(self) -> bool:
        """Whether anything is filtered."""
        return any(self.data.get(name) for name in self.fields)

    def _people(self, text: str) -> Any:
        """Ids of those whose name or address has the text: people of the organization, or anybody for who runs all."""
        people = User.objects.filter(Q(email__icontains=text) | Q(name__icontains=text))
        if self.org_id is not None:
            people = people.filter(pk__in=_people_of(self.org_id))
        return people.order_by().values("pk")


class TimedBar(FilterBar):
    """With the days, in the organization's time zone."""

    time_column: ClassVar[str] = "created_at"

    since = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label="To", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean(self) -> dict[str, Any]:
        """The end is not before the beginning, and both are days that moments can be compared with."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        for name, day in (("since", since), ("until", until)):
            if day is not None and not FIRST_DAY <= day <= LAST_DAY:
                self.add_error(name, f"Choose a day from {FIRST_DAY} to {LAST_DAY}.")
        if since and until and until < since:
            self.add_error("until", "This is before the first day.")
        return cleaned

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the days too."""
        rows = super().narrow(rows)
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since is not None:
            rows = rows.filter(**{f"{self.time_column}__gte": self._midnight(since)})
        if until is not None:
            following = self._midnight(until + timedelta(days=1))
            rows = rows.filter(**{f"{self.time_column}__lt": following})
        return rows

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=ZoneInfo(self.zone))


class RequestBar(TimedBar):
    """With the request: its id, or how that begins."""

    request = forms.CharField(
        label="Request id",
        required=False,
        max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "How it begins"}),
    )

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the request too."""
        rows = super().narrow(rows)
        if self.is_valid() and self.cleaned_data.get("request"):
            rows = rows.filter(request_id__startswith=self.cleaned_data["request"])
        return rows


class ServiceBar(RequestBar):
    """With the service: its whole name, of which the catalogue's are offered."""

    service = forms.CharField(
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"list": "services", "autocomplete": "off"}),
    )
    field_order = ("member", "service", "since", "until", "request")

    @property
    def services(self) -> list[str]:
        """The catalogue's names: they belong to no organization."""
        return list(Service.objects.order_by("name").values_list("name", flat=True)[:200])

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the service too."""
        rows = super().narrow(rows)
        if self.is_valid() and self.cleaned_data.get("service"):
            rows = rows.filter(service_name=self.cleaned_data["service"])
        return rows


class LedgerChangeList(ScopedChangeList):
    """A list below its bar of filters."""

    bar: FilterBar

    def get_filters_params(self, params: Any = None) -> Any:
        """What the bar reads is no lookup."""
        lookups = super().get_filters_params(params)
        for name in self.model_admin.bar_class.base_fields:
            lookups.pop(name, None)
        return lookups

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        """The rows that pass the bar."""
        self.bar = self.model_admin.bar_class(request)
        rows: QuerySet[Any] = super().get_queryset(request, *args, **kwargs)
        return self.bar.narrow(rows)

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page, and what its rows need beside them, in as few queries for all of them."""
        super().get_results(request)
        rows = list(self.result_list)  # type: ignore[has-type]
        self.model_admin.complete(request, rows)
        self.result_list = rows
        self.tools = self.model_admin.tools(request, self)
        self.one_zone = self.bar.org_id is not None


class LedgerAdmin(ScopedAdmin):
    """A list of ledger rows, for people."""

    bar_class: ClassVar[type[FilterBar]] = FilterBar
    list_before_template = "console/credits/list_bar.html"
    list_select_related: Any = ("org", "user")
    #: What an empty list says, and does not say when filters emptied it.
    nothing: ClassVar[str] = "Nothing is here yet."

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[LedgerChangeList]:
        """The one with the bar."""
        return LedgerChangeList

    def get_list_display(self, request: HttpRequest) -> list[str]:
        """Without the organization where there is one alone to look at."""
        one = current_org_id(request) is not None
        return [name for name in self.list_display if name != "org" or not one]

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Fetch what the page's rows need beside them."""

    def tools(self, request: HttpRequest, cl: LedgerChangeList) -> list[tuple[str, str]]:
        """Buttons above the list: what they say, and where they lead."""
        return []

    def runs_current(self, request: HttpRequest) -> bool:
        """Whether the person manages the organization that is looked at."""
        org_id = current_org_id(request)
        return org_id is not None and reach_of(request).runs(org_id)


class SpenderColumns:
    """The columns that rows about one member's spending share."""

    def who(self, row: Any) -> SafeString:
        """The member."""
        return wording.person(row.user)

    def when(self, row: Any) -> str:
        """When it happened, in the organization's zone."""
        return wording.moment(row.created_at, row.org)


def _people_of(org_id: UUID) -> QuerySet[Any]:
    """Ids of the members, and of those who had credits while they were."""
    members = Member.objects.filter(org_id=org_id).values_list("user_id", flat=True)
    spenders = Allocation.objects.filter(org_id=org_id).values_list("user_id", flat=True)
    return members.order_by().union(spenders.order_by())


def _zone(org_id: UUID | None) -> str:
    if org_id is None:
        return "UTC"
    found = Organization.objects.filter(pk=org_id).values_list("timezone", flat=True).first()
    return found or "UTC"
