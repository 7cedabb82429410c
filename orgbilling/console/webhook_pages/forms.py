"""Forms about webhooks: an endpoint's, a rotation's, a replay's, and what logs are filtered by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from organizations.choices import DeliveryStatus
from organizations.event_types import EVERYTHING, REGISTRY, SUBSCRIBABLE
from organizations.models import WebhookEndpoint
from organizations.models.webhook_endpoint import DESCRIPTION_LENGTH, URL_LENGTH
from orgbilling.console.actions import ActionForm
from orgbilling.lib.errors import InvalidRequest

GROUPS: Final = {
    "credits": "Credits",
    "hold": "Holds",
    "subscription": "Subscription",
    "invoice": "Invoices",
    "member": "Members",
    "webhook": "Webhooks",
}
#: How long a former secret signs too; in hours.
OVERLAPS: Final = (
    ("24", "24 hours: the usual way"),
    ("72", "3 days"),
    ("168", "7 days"),
    ("1", "1 hour"),
    ("0", "Not at all: the secret may be known to others"),
)
#: Days that have a midnight in every time zone, and a next day.
CALENDAR: Final = (MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(9000, 1, 1)))


@dataclass(frozen=True, slots=True)
class Choice:
    """One type of event as a box."""

    name: str
    summary: str
    on: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Boxes under one heading."""

    title: str
    choices: list[Choice]


class EndpointForm(ActionForm):
    """An endpoint's address, what it is called, and what it is told of."""

    url = forms.CharField(
        label="Address",
        max_length=URL_LENGTH,
        help_text="Begins with https:// and is reached from the internet.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    description = forms.CharField(
        max_length=DESCRIPTION_LENGTH, required=False, help_text="For people: what it is for."
    )
    everything = forms.BooleanField(
        label="All events, those too that come later", required=False, initial=True
    )
    chosen = forms.MultipleChoiceField(
        choices=[(name, name) for name in SUBSCRIBABLE],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_url(self) -> str:
        """Refuse an address that can't be a receiver's: here, before any transaction, however the form was sent."""
        url: str = self.cleaned_data["url"]
        try:
            WebhookEndpoint.objects.check_url(url)
        except InvalidRequest as exc:
            raise forms.ValidationError(exc.extra["errors"][0]["detail"]) from exc
        return url

    def clean(self) -> dict[str, Any]:
        """Refuse an endpoint that is told of nothing."""
        given = super().clean() or {}
        if not given.get("everything") and not given.get("chosen") and "chosen" not in self.errors:
            self.add_error("chosen", "Choose at least one event, or all.")
        return given

    @property
    def events(self) -> list[str]:
        """What the boxes say, in the order of the registry."""
        chosen = set(self.cleaned_data["chosen"])
        if self.cleaned_data["everything"]:
            # What `*` stands for needs no name.
            chosen = {name for name in chosen if REGISTRY[name].by_name} | {EVERYTHING}
        return [name for name in (EVERYTHING, *SUBSCRIBABLE) if name in chosen]

    @property
    def groups(self) -> list[Group]:
        """The boxes by what they are about."""
        on = set(self["chosen"].value() or ())
        found: dict[str, list[Choice]] = {}
        for name in SUBSCRIBABLE:
            kind = REGISTRY[name]
            found.setdefault(kind.group, []).append(Choice(name, plain(kind.summary), name in on))
        return [Group(GROUPS[group], choices) for group, choices in found.items()]

    @property
    def chosen_errors(self) -> list[str]:
        """What is wrong with the boxes."""
        return [str(error) for error in self.errors.get("chosen", [])]


class RotateForm(ActionForm):
    """How long the former secret signs too."""

    overlap = forms.ChoiceField(
        label="The former secret signs too for",
        choices=OVERLAPS,
        initial=OVERLAPS[0][0],
        widget=forms.RadioSelect,
    )


class ReplayForm(ActionForm):
    """Since when."""

    since = forms.DateField(
        label="What failed since",
        validators=CALENDAR,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


def _day(label: str) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, validators=CALENDAR, widget=widget)


class LogFilter(forms.Form):
    """What of a log is shown; nothing given: all of it."""

    #: The column of an event's type.
    TYPE = "type"

    type = forms.ChoiceField(
        label="Event", choices=[("", "All"), *((name, name) for name in REGISTRY)], required=False
    )
    start = _day("From")
    end = _day("To")

    def lookups(self, zone: ZoneInfo) -> dict[str, Any]:
        """The filters of what was asked for; days are those of the zone, both included."""
        if not self.is_valid():
            return {}
        given, found = self.cleaned_data, {}
        if given["type"]:
            found[self.TYPE] = given["type"]
        if given["start"]:
            found["created_at__gte"] = midnight(given["start"], zone)
        if given["end"]:
            found["created_at__lt"] = midnight(given["end"] + timedelta(days=1), zone)
        return found


class DeliveryFilter(LogFilter):
    """What of an endpoint's deliveries is shown."""

    TYPE = "event__type"

    status = forms.ChoiceField(choices=[("", "All"), *DeliveryStatus.choices], required=False)
    field_order = ("type", "status", "start", "end")

    def lookups(self, zone: ZoneInfo) -> dict[str, Any]:
        """With the status."""
        found = super().lookups(zone)
        if self.is_valid() and self.cleaned_data["status"]:
            found["status"] = self.cleaned_data["status"]
        return found


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of the day in the zone."""
    return datetime.combine(day, time(), tzinfo=zone)


def plain(text: str) -> str:
    """A text of the registry without its Markdown."""
    return text.replace("`", "")
