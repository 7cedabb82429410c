"""What is asked for when credits are allocated: who, how many each, how often anew."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.forms.utils import ErrorDict

from credits.choices import ResetPeriod
from organizations.models import Member
from orgbilling.console.actions import ActionForm, ActionPage
from orgbilling.console.credit_pages.choosing import label_of, members_by_id
from orgbilling.console.credit_pages.fields import CreditsField, NotesField
from orgbilling.console.credit_pages.shares import split_equally

EACH, SPLIT, OWN = "each", "split", "own"
#: As many allocations are made in one transaction.
AT_ONCE: Final = 500
PREFIX: Final = "amount_"


class MembersField(forms.Field):
    """Ids of members of the organization, chosen from a list that may not show them all."""

    widget = forms.MultipleHiddenInput
    default_error_messages = {"required": "Choose at least one member."}

    def to_python(self, value: Any) -> list[str]:
        """The ids, each once.

        Raises:
            ValidationError: something else among them, or too many.
        """
        try:
            ids = sorted({str(UUID(str(item))) for item in value or ()})
        except ValueError as exc:
            raise forms.ValidationError("Choose members from the list.") from exc
        if len(ids) > AT_ONCE:
            raise forms.ValidationError(f"Choose at most {AT_ONCE} members at once.")
        return ids


class AllocateForm(ActionForm):
    """Members and amounts. Whoever gets an amount of their own has a field ``amount_<user id>``."""

    members = MembersField()
    mode = forms.ChoiceField(
        label="How many",
        choices=(
            (EACH, "The same amount for each"),
            (SPLIT, "One total, shared equally"),
            (OWN, "An own amount for each"),
        ),
        widget=forms.RadioSelect,
        initial=EACH,
        help_text="A total that can't be shared evenly gives the first members in the review one credit more.",
    )
    credits = CreditsField(
        required=False,
        help_text="For each of them, or in total. Own amounts are asked for in the next step.",
    )
    recurring = forms.ChoiceField(
        label="How often",
        choices=(
            ("yes", "At every reset: the budget grows too"),
            ("no", "Once: only this period has them"),
        ),
        widget=forms.RadioSelect,
        initial="yes",
    )
    reset_period = forms.ChoiceField(
        label="Resets",
        choices=(("", "As it is (every month for a new allocation)"), *ResetPeriod.choices),
        required=False,
    )
    notes = NotesField(help_text="Kept in the journal.")

    #: The chosen who are members, in the order of the review.
    chosen: dict[str, Member]
    #: Own amounts are to be asked for: no error, but no answer yet.
    asks_amounts: bool = False

    def __init__(self, *args: Any, page: ActionPage, **kwargs: Any) -> None:
        super().__init__(*args, page=page, **kwargs)
        self.chosen = {}
        if self.is_bound and self.data.get("mode") == OWN:
            self._ask_for_amounts()

    @property
    def picked(self) -> list[str]:
        """The ids as sent or as begun with, whatever they are."""
        field = self["members"]
        return [str(value) for value in field.value() or ()]

    @property
    def amounts(self) -> dict[str, int]:
        """How many credits each member gets, in the order of the review."""
        amounts: dict[str, int] = self.cleaned_data["amounts"]
        return amounts

    def leave_unchecked(self) -> None:
        """Find no fault with what nobody has finished filling in."""
        self._errors = ErrorDict()

    def clean(self) -> dict[str, Any]:
        """Say how many each gets."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "members" in self.errors or "mode" in self.errors or "credits" in self.errors:
            return cleaned
        self.chosen = self.chosen or members_by_id(self.page.org_id, cleaned["members"])
        if len(self.chosen) < len(cleaned["members"]):
            self.add_error("members", "Somebody chosen is no member any more. Choose again.")
            return cleaned
        cleaned["amounts"] = self._amounts(cleaned)
        return cleaned

    def _amounts(self, cleaned: dict[str, Any]) -> dict[str, int]:
        if cleaned["mode"] == OWN:
            fields = {user_id: cleaned.get(f"{PREFIX}{user_id}") for user_id in self.chosen}
            return {user_id: amount for user_id, amount in fields.items() if amount is not None}
        credits = cleaned.get("credits")
        if credits is None:
            self.add_error("credits", "Say how many credits.")
            return {}
        if cleaned["mode"] == EACH:
            return dict.fromkeys(self.chosen, credits)
        try:
            return dict(zip(self.chosen, split_equally(credits, len(self.chosen)), strict=True))
        except ValueError:
            self.add_error("credits", "There are fewer credits than members to share them.")
            return {}

    def _ask_for_amounts(self) -> None:
        try:
            ids = self.fields["members"].clean(self.picked)
        except forms.ValidationError:
            return
        self.chosen = members_by_id(self.page.org_id, ids)
        for user_id, member in self.chosen.items():
            name = f"{PREFIX}{user_id}"
            self.asks_amounts |= name not in self.data
            self.fields[name] = CreditsField(
                label=f"Credits for {label_of(member)}",
                error_messages={"required": "Say how many credits."},
            )
