"""What moved otherwise than by usage and holds: from where to where, before and after, by whom and why."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from credits.admin import wording
from credits.admin.listing import FilterBar, LedgerAdmin, RequestBar
from credits.admin.naming import name_actors
from credits.choices import JournalKind
from credits.models import JournalEntry

#: What each kind of movement is, in the words of whoever reads it.
KINDS: Final = {
    JournalKind.GRANT: "Given to the pool",
    JournalKind.PURCHASE: "Bought for the pool",
    JournalKind.REFRESH: "Monthly refresh",
    JournalKind.ALLOCATION: "Allocated to a member",
    JournalKind.RECLAIM: "Back to the pool",
    JournalKind.RESET: "Reset: filled up",
    JournalKind.EXPIRY: "Expired",
    JournalKind.WITHDRAWAL: "Withdrawn",
}


class JournalBar(RequestBar):
    """With the kind of movement."""

    member_column = "allocation__user_id"
    kind = forms.ChoiceField(
        required=False,
        choices=[("", "Any"), *((kind.value, words) for kind, words in KINDS.items())],
    )

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the kind too."""
        rows = super().narrow(rows)
        kind = self.cleaned_data.get("kind")
        return rows.filter(kind=kind) if kind else rows


@admin.register(JournalEntry)
class JournalEntryAdmin(LedgerAdmin):
    """Movements, newest first."""

    bar_class: ClassVar[type[FilterBar]] = JournalBar
    nothing = "Nothing has moved yet. Adding credits to the pool is the first movement."
    list_select_related = ("org", "allocation__user")

    list_display = (
        "when",
        "org",
        "movement",
        "who",
        "moved",
        "pool",
        "member",
        "by",
        "notes",
    )
    ordering = ("-created_at", "-id")

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Name who moved them."""
        name_actors(request, rows)

    @admin.display(description="Time", ordering="created_at")
    def when(self, row: JournalEntry) -> str:
        """When, in the organization's zone."""
        return wording.moment(row.created_at, row.org)

    @admin.display(description="What", ordering="kind")
    def movement(self, row: JournalEntry) -> SafeString:
        """The kind in words."""
        return wording.badge(row.kind, KINDS[JournalKind(row.kind)])

    @admin.display(description="Member")
    def who(self, row: JournalEntry) -> SafeString | str:
        """Whose allocation, if one is concerned."""
        return wording.person(row.allocation.user) if row.allocation is not None else "-"

    @admin.display(description="Credits", ordering="credits")
    def moved(self, row: JournalEntry) -> SafeString:
        """How many."""
        return wording.number(row.credits)

    @admin.display(description="Pool: before → after")
    def pool(self, row: JournalEntry) -> SafeString:
        """What the pool had available."""
        return _both(row.available_before, row.available_after)

    @admin.display(description="Member: before → after")
    def member(self, row: JournalEntry) -> SafeString:
        """What the member had left."""
        return _both(row.remaining_before, row.remaining_after)

    @admin.display(description="By")
    def by(self, row: JournalEntry) -> str:
        """Who moved them."""
        return row.actor_name  # type: ignore[attr-defined, no-any-return]


def _both(before: int | None, after: int | None) -> SafeString:
    if before is None or after is None:
        return wording.number(None)
    return format_html('<span class="ob-tabular">{} → {}</span>', f"{before:,}", f"{after:,}")
