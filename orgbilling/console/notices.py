"""A person's notices: the list with its bell, what is read, and which kinds come by e-mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from organizations.access import BILLING
from organizations.choices import (
    CONSOLE_KINDS,
    ORG_KINDS,
    OWN_KINDS,
    SYSTEM_KINDS,
    NoticeKind,
)
from organizations.models import Notice, NoticePreference
from organizations.noticing import address_of
from organizations.scoping import person_of, reach_of
from orgbilling.console.pages import Page
from orgbilling.lib.clock import now

PER_PAGE: Final = 25


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice as the page shows it; `url` is where it can be mended, empty when nowhere."""

    notice: Notice
    place: str
    moment: str
    paragraphs: list[str]
    url: str


class Notices(Page):
    """The person's notices, the newest first; marking them as read."""

    title = "Notices"
    template_name = "console/notices.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With one page of them."""
        only = "unread" if self.request.GET.get("show") == "unread" else ""
        rows = Notice.objects.visible_to(person_of(self.request)).select_related("org")
        page = Paginator(rows.unread() if only else rows, PER_PAGE).get_page(
            self.request.GET.get("page")
        )
        return super().get_context_data(
            page=page,
            shown=[_shown(notice) for notice in page],
            only=only,
            by_email=settings.NOTICES_BY_EMAIL,
            **kwargs,
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Mark one as read, or all of them."""
        try:
            one = UUID(request.POST["notice"]) if "notice" in request.POST else None
        except ValueError:
            return redirect("admin:notices")
        count = Notice.objects.mark_read(person_of(request), moment=now(), pk=one)
        if one is None:
            messages.success(request, f"{count} notice{'' if count == 1 else 's'} marked as read.")
        return redirect("admin:notices")


class PreferencesForm(forms.Form):
    """A box for each kind that can concern the person."""

    def __init__(self, *args: Any, kinds: list[NoticeKind], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in kinds:
            self.fields[kind.value] = forms.BooleanField(label=kind.label, required=False)

    @property
    def chosen(self) -> dict[NoticeKind, bool]:
        """What the boxes say."""
        return {NoticeKind(name): bool(self.cleaned_data[name]) for name in self.fields}


class Preferences(Page):
    """Which kinds of notices come by e-mail; the console has all of them."""

    title = "Notices by e-mail"
    template_name = "console/notice_preferences.html"

    def kinds(self) -> list[NoticeKind]:
        """The kinds that can concern the person, of which e-mail can tell."""
        reach = reach_of(self.request)
        found = set(OWN_KINDS) if reach.roles else set()
        found |= ORG_KINDS if reach.where(BILLING) else set()
        found |= SYSTEM_KINDS if reach.everything else set()
        return [kind for kind in NoticeKind if kind in found - CONSOLE_KINDS]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the form as the person's choices are."""
        person, kinds = person_of(self.request), self.kinds()
        wanted = NoticePreference.objects.wanted(person)
        form = PreferencesForm(kinds=kinds, initial={kind.value: wanted[kind] for kind in kinds})
        return super().get_context_data(form=form, by_email=settings.NOTICES_BY_EMAIL, **kwargs)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep the choices. A box is never wrong."""
        form = PreferencesForm(request.POST, kinds=self.kinds())
        if form.is_valid():
            NoticePreference.objects.choose(person_of(request), form.chosen)
            messages.success(request, "Saved.")
        return redirect("admin:notice_preferences")


def _shown(notice: Notice) -> Shown:
    zone = notice.org.timezone if notice.org is not None else "UTC"
    return Shown(
        notice=notice,
        place=notice.org.display_name if notice.org is not None else "The service",
        moment=f"{notice.created_at.astimezone(ZoneInfo(zone)):%-d %b %Y, %H:%M} ({zone})",
        paragraphs=notice.detail.splitlines(),
        url=address_of(notice),
    )
