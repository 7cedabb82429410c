"""Who wanted to spend and could not, why, and what would help."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from credits.admin import wording
from credits.admin.listing import FilterBar, LedgerAdmin, ServiceBar
from credits.admin.naming import name_people
from credits.models import Refusal
from credits.models.refusal import OTHER_SERVICES, OTHERS
from organizations.scoping import reach_of

#: By code: what was the matter, and what helps.
REASONS: Final = {
    "insufficient_credits": ("Too few credits were left", "Allocate more, or wait for the reset."),
    "no_allocation": ("Had no credits allocated", "Allocate some."),
    "allocation_inactive": ("The allocation is closed", "Allocate again: that opens it."),
    "not_a_member": ("Is no member", "Add them as a member, or check who calls."),
    "subscription_inactive": ("No subscription lets spend", "Subscribe, or settle what is unpaid."),
    "organization_suspended": ("The organization is suspended", "Whoever runs the service has to reactivate it."),
    "unknown_service": ("The service has no price", "Check the service's name in the caller."),
}  # fmt: skip
UNKNOWN: Final = ("Refused", "See the API's documentation of this code.")
#: The reasons that more credits for the member take away.
HELPED: Final = frozenset({"insufficient_credits", "no_allocation", "allocation_inactive"})


class RefusalBar(ServiceBar):
    """With the reason."""

    time_column = "last_at"
    code = forms.ChoiceField(
        label="Reason",
        required=False,
        choices=[("", "Any"), *((code, words) for code, (words, _help) in REASONS.items())],
    )

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the reason too."""
        rows = super().narrow(rows)
        code = self.cleaned_data.get("code")
        return rows.filter(code=code) if code else rows


@admin.register(Refusal)
class RefusalAdmin(LedgerAdmin):
    """Who is refused what, the last refused first."""

    person_lookup = "user_id"
    bar_class: ClassVar[type[FilterBar]] = RefusalBar
    nothing = "Nobody was refused. Refusals of the last weeks show up here with what would help."
    list_select_related = ("org",)

    list_display = (
        "last",
        "org",
        "who",
        "service",
        "reason",
        "times",
        "needed",
        "left",
        "help",
    )
    ordering = ("-last_at", "-id")

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Name who was refused, and say for each row whether the person can help."""
        name_people(request, rows)
        reach = reach_of(request)
        for row in rows:
            row.managed = reach.runs(row.org_id)

    @admin.display(description="Last time", ordering="last_at")
    def last(self, row: Refusal) -> str:
        """When, in the organization's zone."""
        return wording.moment(row.last_at, row.org)

    @admin.display(description="Who")
    def who(self, row: Refusal) -> SafeString | str:
        """The person, when it is one of the organization."""
        if row.user_id == OTHERS:
            return "Others"
        known = row.person  # type: ignore[attr-defined]
        return wording.person(known) if known is not None else f"Stranger {row.user_id}"

    @admin.display(description="Service", ordering="service_name")
    def service(self, row: Refusal) -> str:
        """What it was to be spent on."""
        return "Others" if row.service_name == OTHER_SERVICES else row.service_name or "-"

    @admin.display(description="Reason", ordering="code")
    def reason(self, row: Refusal) -> str:
        """The code in words."""
        return REASONS.get(row.code, UNKNOWN)[0]

    @admin.display(description="Times", ordering="count")
    def times(self, row: Refusal) -> SafeString:
        """How often that day (UTC)."""
        return wording.number(row.count)

    @admin.display(description="Needed")
    def needed(self, row: Refusal) -> SafeString:
        """The last time."""
        return wording.number(row.requested_credits)

    @admin.display(description="Left")
    def left(self, row: Refusal) -> SafeString:
        """What the member had the last time."""
        return wording.number(row.remaining_credits)

    @admin.display(description="What helps")
    def help(self, row: Refusal) -> SafeString:
        """What would let it pass; a link when the person can do it here."""
        words = REASONS.get(row.code, UNKNOWN)[1]
        can = row.managed and row.person is not None  # type: ignore[attr-defined]
        if not can or row.code not in HELPED:
            return format_html("{}", words)
        address = f"{wording.page('org_allocate', row.org_id)}?user={row.user_id}"
        return format_html('<a class="ob-link" href="{}">{}</a>', address, words)
