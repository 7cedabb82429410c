"""What is reserved for running work, and what became of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from credits.admin import wording
from credits.admin.listing import FilterBar, LedgerAdmin, ServiceBar
from credits.choices import HoldStatus
from credits.models import Hold
from organizations.scoping import reach_of
from orgbilling.lib.clock import now


class HoldBar(ServiceBar):
    """With the status that counts now."""

    status = forms.ChoiceField(required=False, choices=(("", "Any"), *HoldStatus.choices))

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the status; a pending one past its expiry has expired."""
        rows = super().narrow(rows)
        status = self.cleaned_data.get("status")
        if status == HoldStatus.PENDING:
            return rows.filter(status=status, expires_at__gt=now())
        if status == HoldStatus.EXPIRED:
            elapsed = Q(status=HoldStatus.PENDING, expires_at__lte=now())
            return rows.filter(Q(status=status) | elapsed)
        return rows.filter(status=status) if status else rows


@admin.register(Hold)
class HoldAdmin(LedgerAdmin):
    """Holds, newest first."""

    person_lookup = "user_id"
    bar_class: ClassVar[type[FilterBar]] = HoldBar
    nothing = "Nothing is held. Work that is priced when it ends reserves credits here first."

    list_display = (
        "when",
        "org",
        "who",
        "service_name",
        "reserved",
        "captured",
        "state",
        "until",
        "request_id",
        "release",
    )
    ordering = ("-created_at", "-id")

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """The status that counts now, and whether the person may release it."""
        moment, reach = now(), reach_of(request)
        for row in rows:
            row.current = row.status_at(moment)
            row.open = row.current == HoldStatus.PENDING and reach.runs(row.org_id)

    @admin.display(description="Time", ordering="created_at")
    def when(self, row: Hold) -> str:
        """When it was made."""
        return wording.moment(row.created_at, row.org)

    @admin.display(description="Member")
    def who(self, row: Hold) -> SafeString:
        """Whose credits."""
        return wording.person(row.user)

    @admin.display(description="Reserved", ordering="credits")
    def reserved(self, row: Hold) -> SafeString:
        """How many credits."""
        return wording.number(row.credits)

    @admin.display(description="Captured", ordering="captured_credits")
    def captured(self, row: Hold) -> SafeString:
        """What of them was charged."""
        return wording.number(row.captured_credits)

    @admin.display(description="Status")
    def state(self, row: Hold) -> SafeString:
        """The status that counts now."""
        status: HoldStatus = row.current  # type: ignore[attr-defined]
        label = "Open" if status == HoldStatus.PENDING else status.label
        return wording.badge(status, label)

    @admin.display(description="Expires", ordering="expires_at")
    def until(self, row: Hold) -> str:
        """When it ends by itself."""
        return wording.moment(row.expires_at, row.org)

    @admin.display(description="Actions")
    def release(self, row: Hold) -> SafeString | str:
        """Give it back."""
        if not row.open:  # type: ignore[attr-defined]
            return ""
        who = row.user.name or row.user.email
        address = wording.page("org_release", row.org_id, row.pk)
        return wording.buttons(("Release", address, f"Release the hold of {who}"))
