"""What the actions on one member's allocation share: the member is named by ``?user=``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from credits.models import Allocation
from orgbilling.console.actions import ActionForm, ActionPage
from orgbilling.console.credit_pages.wording import person_of


class MemberForm(ActionForm):
    """An action's form that knows whose allocation it is about."""

    user = forms.UUIDField(widget=forms.HiddenInput)


class MemberAllocationPage(ActionPage):
    """An action on the active allocation of the member whom the address or the form names."""

    template_name = "console/credits/member_action.html"
    allocation: Allocation

    @property
    def user_id(self) -> UUID:
        """Whose allocation it is."""
        return self.allocation.user_id

    @property
    def person(self) -> str:
        """The member's name and address."""
        return person_of(self.allocation.user)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form, for a member who has credits here."""
        return self._found(request.GET.get("user", "")) or super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Review or do, for a member who has credits here."""
        return self._found(request.POST.get("user", "")) or super().post(request, *args, **kwargs)

    def initial(self) -> dict[str, Any]:
        """The member alone."""
        return {"user": str(self.user_id)}

    def after_url(self) -> str:
        """The list of allocations."""
        return reverse("admin:credits_allocation_changelist")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the allocation."""
        return super().get_context_data(allocation=self.allocation, person=self.person, **kwargs)

    def _found(self, named: str) -> HttpResponse | None:
        """Look the allocation up; where to go instead when there is none."""
        try:
            user_id = UUID(named)
        except ValueError:
            user_id = None
        rows = Allocation.objects.for_display().filter(org_id=self.org_id, is_active=True)
        found = rows.filter(user_id=user_id).first() if user_id is not None else None
        if found is None:
            messages.warning(self.request, "Choose a member who has credits here.")
            return redirect(self.after_url())
        self.allocation = found
        return None
