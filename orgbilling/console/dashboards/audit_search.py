"""What the audit is searched by, as people write it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from billing.models import AuditEntry
from billing.reports import audit_entries
from organizations.models import ApiKey, Organization, User
from orgbilling.console.dashboards.events import KINDS, SYSTEM, operators

#: An actor as rows have it: what links of the page ask for.
EXACT: Final = re.compile(r"(user|key):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|system")
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)


class DateInput(forms.DateInput):
    """The browser's own field for a day."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class AuditSearch(forms.Form):
    """Every field may be left out; together they narrow."""

    who = forms.CharField(
        required=False, max_length=255, label="Done by", help_text="Name, e-mail or API key."
    )
    action = forms.ChoiceField(required=False, label="Kind", choices=())
    member = forms.CharField(
        required=False, max_length=255, label="Done to", help_text="Name or e-mail."
    )
    organization = forms.CharField(required=False, max_length=200)
    text = forms.CharField(
        required=False,
        max_length=200,
        label="Words",
        help_text="In the reason or what it was done to.",
    )
    request = forms.CharField(required=False, max_length=255, label="Request id")
    start = forms.DateField(required=False, label="From", widget=DateInput())
    end = forms.DateField(required=False, label="To", widget=DateInput())

    NARROWING: ClassVar = (
        "who",
        "action",
        "member",
        "organization",
        "text",
        "request",
        "start",
        "end",
    )

    def __init__(
        self, *args: Any, organization: Organization | None, veiled: bool, **kwargs: Any
    ) -> None:
        """`veiled`: nobody is found by the name of who runs the service, or of their keys."""
        super().__init__(*args, **kwargs)
        self.its = organization
        self.veiled_in = organization.pk if organization is not None and veiled else None
        if organization is not None:
            del self.fields["organization"]
        kinds: Any = [(title, list(kinds.items())) for title, kinds in KINDS]
        self.fields["action"].choices = [("", "Every kind"), *kinds]  # type: ignore[attr-defined]

    def clean_start(self) -> date | None:
        """A day that the database and the clock know."""
        return _sane(self.cleaned_data["start"])

    def clean_end(self) -> date | None:
        """The last day that is shown."""
        return _sane(self.cleaned_data["end"])

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for."""
        return self.is_valid() and any(self.cleaned_data.get(name) for name in self.NARROWING)

    def entries(self) -> QuerySet[AuditEntry]:
        """What is found, newest first; what could not be understood narrows nothing."""
        asked = self.cleaned_data
        zone = ZoneInfo(self.its.timezone) if self.its is not None else UTC
        end = asked.get("end")
        rows = audit_entries(
            self._org_ids(),
            action=asked.get("action") or None,
            request_id=asked.get("request") or None,
            text=None if self.veiled_in else asked.get("text") or None,
            start=_midnight(asked.get("start"), zone),
            end=_midnight(end + timedelta(days=1) if end else None, zone),
        )
        if asked.get("who"):
            rows = rows.filter(_done_by(asked["who"], self.veiled_in))
        if self.veiled_in and asked.get("text"):
            rows = rows.filter(_says(asked["text"]))
        if asked.get("member"):
            rows = rows.filter(subject_user_id__in=_people(asked["member"]).values("pk"))
        return rows

    def _org_ids(self) -> list[UUID] | None:
        if self.its is not None:
            return [self.its.pk]
        name = self.cleaned_data.get("organization")
        if not name:
            return None
        found = Organization.objects.filter(
            Q(display_name__icontains=name) | Q(name__icontains=name)
        )
        return list(found.order_by().values_list("pk", flat=True)[:200])


def _sane(day: date | None) -> date | None:
    if day is not None and not EARLIEST <= day <= LATEST:
        message = "Enter a day between 2000 and 2999."
        raise forms.ValidationError(message)
    return day


def _midnight(day: date | None, zone: Any) -> datetime | None:
    return datetime.combine(day, time(), zone) if day is not None else None


def _people(words: str) -> QuerySet[User]:
    """Whoever has the words in the name, or in the address."""
    return User.objects.order_by().filter(Q(name__icontains=words) | Q(email__icontains=words))


def _says(words: str) -> Q:
    """The words are in the reason or in what it was done to; who did it isn't asked."""
    told = Q(reason__icontains=words) | Q(subject__icontains=words)
    return told | Q(subject_email__icontains=words)


def _done_by(words: str, veiled_in: UUID | None) -> Q:
    if EXACT.fullmatch(words):
        return Q(actor=words)
    people, keys = _people(words), ApiKey.objects.order_by().filter(name__icontains=words)
    if veiled_in is not None:
        people = people.exclude(pk__in=operators(veiled_in).values("pk"))
        keys = keys.filter(org_id=veiled_in)
    found = Q(actor__in=_actors("user:", people)) | Q(actor__in=_actors("key:", keys))
    return found | Q(actor=SYSTEM) if words.lower() in ("system", "the system") else found


def _actors(prefix: str, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows' ids as the ledger writes who did something."""
    written = Concat(Value(prefix), Cast(F("pk"), CharField()), output_field=CharField())
    actors: QuerySet[Any] = rows.annotate(written=written).values("written")
    return actors
