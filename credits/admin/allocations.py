"""Who may spend how much, with the actions that change it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from credits.admin import wording
from credits.admin.listing import FilterBar, LedgerAdmin, LedgerChangeList
from credits.choices import ResetPeriod
from credits.models import Allocation
from organizations.scoping import current_org_id, reach_of

ACTIVE, FORMER, ALL = "", "former", "all"


class AllocationBar(FilterBar):
    """By member; those of former members are shown when they are asked for."""

    state = forms.ChoiceField(
        label="Show",
        required=False,
        choices=((ACTIVE, "Active"), (FORMER, "Of former members"), (ALL, "All")),
    )

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows in the state that is asked for."""
        rows = super().narrow(rows)
        state = self.cleaned_data.get("state", ACTIVE)
        return rows if state == ALL else rows.filter(is_active=state == ACTIVE)


@admin.register(Allocation)
class AllocationAdmin(LedgerAdmin):
    """What members may spend."""

    person_lookup = "user_id"
    bar_class: ClassVar[type[FilterBar]] = AllocationBar
    nothing = "Nobody has credits yet. Allocate some: members spend what they were given."

    list_display = (
        "who",
        "org",
        "parts",
        "used",
        "held",
        "remaining",
        "budget",
        "resets",
        "next_reset",
        "actions_on_it",
    )
    ordering = ("user__name", "user__email", "id")

    def shown(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """With what expired holds still reserve."""
        return Allocation.objects.for_display()

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Say for each row whether the person manages it."""
        reach = reach_of(request)
        for row in rows:
            row.managed = row.is_active and reach.runs(row.org_id)

    def tools(self, request: HttpRequest, cl: LedgerChangeList) -> list[tuple[str, str]]:
        """Allocate, and add credits, for the organization that is looked at."""
        if not self.runs_current(request):
            return []
        org_id = current_org_id(request)
        return [
            ("Add credits", wording.page("org_add_credits", org_id)),
            ("Allocate credits", wording.page("org_allocate", org_id)),
        ]

    @admin.display(description="Member", ordering="user__name")
    def who(self, row: Allocation) -> SafeString:
        """Whose credits."""
        return wording.person(row.user)

    @admin.display(description="Used, held, unspent")
    def parts(self, row: Allocation) -> SafeString:
        """The parts of the allocation."""
        return wording.bar(
            row.used_credits, row.current_held_credits, row.current_remaining_credits
        )

    @admin.display(description="Used", ordering="used_credits")
    def used(self, row: Allocation) -> SafeString:
        """In this period."""
        return wording.number(row.used_credits)

    @admin.display(description="Held", ordering="held_credits")
    def held(self, row: Allocation) -> SafeString:
        """By open holds."""
        return wording.number(row.current_held_credits)

    @admin.display(description="Unspent", ordering="remaining_credits")
    def remaining(self, row: Allocation) -> SafeString:
        """What may be spent."""
        return wording.number(row.current_remaining_credits)

    @admin.display(description="Budget", ordering="budget_credits")
    def budget(self, row: Allocation) -> SafeString:
        """What a reset restores."""
        return wording.number(row.budget_credits)

    @admin.display(description="Resets", ordering="reset_period")
    def resets(self, row: Allocation) -> str:
        """How often."""
        return ResetPeriod(row.reset_period).label

    @admin.display(description="Next reset", ordering="next_reset_date")
    def next_reset(self, row: Allocation) -> str:
        """When, in the organization's zone."""
        return wording.moment(row.next_reset_date, row.org) if row.is_active else "member left"

    @admin.display(description="Actions")
    def actions_on_it(self, row: Allocation) -> SafeString | str:
        """What can be done about it."""
        if not row.managed:  # type: ignore[attr-defined]
            return ""
        name, query = row.user.name or row.user.email, f"?user={row.user_id}"
        return wording.buttons(
            (
                "Allocate",
                wording.page("org_allocate", row.org_id) + query,
                f"Allocate more to {name}",
            ),
            ("Reclaim", wording.page("org_reclaim", row.org_id) + query, f"Reclaim from {name}"),
            (
                "Resets",
                wording.page("org_reset_period", row.org_id) + query,
                f"Change the reset period of {name}",
            ),
            (
                "Alert",
                wording.page("org_member_alert", row.org_id) + query,
                f"Change when the credits of {name} are low",
            ),
        )
