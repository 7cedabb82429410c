"""Credits go from the pool to members: one or many at once, all or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from credits.choices import ResetPeriod
from credits.errors import InsufficientPoolCredits
from credits.functions import Origin
from credits.managers.pool import SYSTEM
from credits.models import Allocation, CreditPool
from orgbilling.console.actions import ActionPage, Change, Preview
from orgbilling.console.credit_pages.allocation_form import EACH, AllocateForm
from orgbilling.console.credit_pages.choosing import candidates, label_of
from orgbilling.console.credit_pages.rehearsing import rehearse
from orgbilling.console.credit_pages.wording import EVERY, credits_of, large_move


@dataclass(frozen=True, slots=True)
class _Given:
    """The pool and the members' unspent credits, before and after."""

    available: tuple[int, int]
    remaining: dict[str, tuple[int, int]]
    periods: dict[str, str]


class Allocate(ActionPage):
    """Give credits to members."""

    title = "Allocate credits"
    template_name = "console/credits/allocate.html"
    form_class = AllocateForm
    operation = "allocate"
    verb = "Allocate"
    #: Set when the pool has too few: the page shows what would fix it.
    short: int | None = None

    def initial(self) -> dict[str, Any]:
        """The members whom the address names: ``?user=`` once or more."""
        return {"members": self.request.GET.getlist("user"), "mode": EACH}

    def after_url(self) -> str:
        """The list of allocations."""
        return reverse("admin:credits_allocation_changelist")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Search for members, ask for own amounts, review, or do."""
        if "search" in request.POST:
            return self._show_unchecked(AllocateForm(request.POST, page=self))
        form = AllocateForm(request.POST, page=self)
        if form.asks_amounts and "edit" not in request.POST:
            return self._show_unchecked(form)
        return super().post(request, *args, **kwargs)

    def preview(self, form: Any) -> Preview:
        """Each member and the pool, before and after.

        Raises:
            OrgBillingError: what forbids it.
        """
        try:
            given = rehearse(lambda: self._give(form, self.origin))
        except InsufficientPoolCredits as exc:
            self.short = exc.extra.get("requested", 0) - exc.extra.get("available", 0)
            raise
        total = sum(form.amounts.values())
        changes = [Change("Available in the pool", *given.available)]
        changes += [
            Change(
                f"{label_of(form.chosen[user_id])}, resets {given.periods[user_id]}",
                *given.remaining[user_id],
            )
            for user_id in form.amounts
        ]
        count = len(form.amounts)
        whom = label_of(form.chosen[next(iter(form.amounts))]) if count == 1 else f"{count} members"
        often = "at every reset" if form.cleaned_data["recurring"] == "yes" else "once"
        return Preview(
            f"{credits_of(total)} for {whom}, {often}.",
            changes,
            large_move(total, given.available[0], "the pool"),
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Allocate to all of them.

        Raises:
            OrgBillingError: what forbids it; nobody got anything.
        """
        given = self._give(form, origin)
        count = len(form.amounts)
        whom = label_of(form.chosen[next(iter(form.amounts))]) if count == 1 else f"{count} members"
        total = credits_of(sum(form.amounts.values()))
        return f"{total} allocated to {whom}: the pool has {given.available[1]:,} available."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the members to choose from and the pool."""
        form = cast("AllocateForm", kwargs["form"])
        search = self.request.POST.get("q", "")[:200].replace("\0", "")
        listed = None
        if kwargs.get("preview") is None:
            listed = candidates(self.org_id, _ids(form.picked), search)
        return super().get_context_data(
            listed=listed,
            search=search,
            pool=CreditPool.objects.of(self.org_id),
            short=self.short,
            **kwargs,
        )

    def _give(self, form: AllocateForm, origin: Origin) -> _Given:
        org_id, fields = self.org_id, form.cleaned_data
        CreditPool.objects.refresh_if_due(org_id=org_id, origin=SYSTEM)
        before = CreditPool.objects.of(org_id).current_available_credits
        total = sum(form.amounts.values())
        if total > before:
            raise InsufficientPoolCredits(requested=total, available=before)
        remaining, periods = {}, {}
        # By user, as everything that locks several allocations does.
        for user_id in sorted(form.amounts, key=UUID):
            credits = form.amounts[user_id]
            allocation, _made = Allocation.objects.allocate(
                org_id=org_id,
                user_id=UUID(user_id),
                credits=credits,
                reset_period=fields["reset_period"] or None,
                recurring=fields["recurring"] == "yes",
                origin=origin,
                notes=fields["notes"],
            )
            left = allocation.current_remaining_credits
            remaining[user_id] = (left - credits, left)
            periods[user_id] = EVERY[ResetPeriod(allocation.reset_period)].lower()
        after = CreditPool.objects.of(org_id).current_available_credits
        return _Given((before, after), remaining, periods)

    def _show_unchecked(self, form: AllocateForm) -> HttpResponse:
        """The form with what was filled in, before anybody has finished it."""
        form.leave_unchecked()
        return self._show(form)


def _ids(values: list[str]) -> list[str]:
    """The ids among the values."""
    ids = []
    for value in values:
        try:
            ids.append(str(UUID(value)))
        except ValueError:
            continue
    return ids
