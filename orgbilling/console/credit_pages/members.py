"""Who belongs to the organization: the list, and adding, changing roles, removing."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django import forms
from django.core.paginator import Paginator
from django.db.models import F, Q
from django.http import Http404
from django.urls import reverse

from credits.departure import end_membership
from credits.functions import Origin
from credits.models import Allocation, CreditPool
from organizations.access import MANAGERS, Rule
from organizations.choices import Role
from organizations.models import Member, User
from orgbilling.console.actions import ActionForm, ActionPage, Change, Preview
from orgbilling.console.credit_pages.confirming import ConfirmPage
from orgbilling.console.credit_pages.rehearsing import rehearse
from orgbilling.console.credit_pages.wording import credits_of, day_of, person_of
from orgbilling.console.pages import OrgPage
from orgbilling.lib.errors import InvalidRequest

#: Owners and admins decide who belongs.
LEAD = Rule(MANAGERS)
PER_PAGE: Final = 50

MAY: Final = {
    Role.OWNER: "Everything, and makes other owners",
    Role.ADMIN: "Credits, billing, members and API keys",
    Role.BILLING_ADMIN: "Credits and billing",
    Role.MEMBER: "Spends credits of their own",
}


class Members(OrgPage):
    """Everybody in the organization, by name, with what they have."""

    title = "Members"
    template_name = "console/credits/members.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With one page of members."""
        search = self.request.GET.get("q", "")[:200].replace("\0", "")
        rows = Member.objects.filter(org_id=self.org_id).select_related("user")
        if search:
            rows = rows.filter(Q(user__name__icontains=search) | Q(user__email__icontains=search))
        rows = rows.order_by(F("user__name"), F("user__email"), "pk")
        page = Paginator(rows, PER_PAGE).get_page(self.request.GET.get("page"))
        members = list(page.object_list)
        found = Allocation.objects.for_display().filter(
            org_id=self.org_id, is_active=True, user_id__in=[row.user_id for row in members]
        )
        allocations = {allocation.user_id: allocation for allocation in found}
        return super().get_context_data(
            page=page,
            search=search,
            leads=self.principal.may(LEAD, self.org_id),
            members=[
                {
                    "user": row.user,
                    "name": row.user.name or row.user.email,
                    "role": Role(row.role).label,
                    "is_manager": row.role != Role.MEMBER,
                    "joined": day_of(row.joined_at, self.organization),
                    "allocation": allocations.get(row.user_id),
                }
                for row in members
            ],
            **kwargs,
        )


class LeadPage(ActionPage):
    """An action on memberships."""

    rule: ClassVar[Rule] = LEAD
    after = "org_members"

    @property
    def member(self) -> Member:
        """The member of the address.

        Raises:
            Http404: the organization has no such member.
        """
        rows = Member.objects.filter(org_id=self.org_id, user_id=self.kwargs["user_id"])
        found = rows.select_related("user").first()
        if found is None:
            raise Http404
        return found

    @property
    def roles(self) -> list[tuple[str, str]]:
        """The roles that the person may give."""
        owners = self.principal.may_make_owner(self.org_id)
        return [
            (role.value, f"{role.label}: {MAY[role].lower()}")
            for role in Role
            if role != Role.OWNER or owners
        ]


class RoleForm(ActionForm):
    """A role."""

    role = forms.ChoiceField(widget=forms.RadioSelect, initial=Role.MEMBER.value)

    def __init__(self, *args: Any, page: LeadPage, **kwargs: Any) -> None:
        super().__init__(*args, page=page, **kwargs)
        self.fields["role"].choices = page.roles  # type: ignore[attr-defined]


class AddMemberForm(RoleForm):
    """An address and a role."""

    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        help_text="Somebody new gets an account that can sign in once it has a password or uses single sign-on.",
    )
    field_order = ("key", "email", "role")


class AddMember(LeadPage):
    """Add somebody by e-mail address."""

    title = "Add member"
    form_class = AddMemberForm
    operation = "add_member"
    verb = "Add member"

    def preview(self, form: Any) -> Preview:
        """Who is added, as what.

        Raises:
            OrgBillingError: what forbids it.
        """
        known = User.objects.filter(email=form.cleaned_data["email"].lower()).exists()
        member = rehearse(lambda: self._add(form))
        return Preview(
            f"{person_of(member.user) if known else member.user.email} becomes "
            f"{Role(member.role).label.lower()} of {self.organization.display_name}.",
            [Change("Role", "no member", Role(member.role).label)],
            []
            if known
            else ["Nobody has this address yet: an account is made. Check the spelling."],
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Add them.

        Raises:
            OrgBillingError: what forbids it.
        """
        member = self._add(form)
        return (
            f"{member.user.email} is {Role(member.role).label.lower()} now. Allocate credits next."
        )

    def _add(self, form: Any) -> Member:
        person = User.objects.invite(form.cleaned_data["email"])
        if not person.is_active:
            raise InvalidRequest("email", "This account is switched off.", "inactive")
        role = Role(form.cleaned_data["role"])
        return Member.objects.add(self.organization, person, role=role, by=self.principal)


class ChangeRole(LeadPage):
    """Give a member another role."""

    form_class = RoleForm
    operation = "change_role"
    verb = "Change role"

    def page_title(self) -> str:
        """Whose role."""
        return f"Role of {self.member.user.name or self.member.user.email}"

    def initial(self) -> dict[str, Any]:
        """The role there is."""
        return {"role": self.member.role}

    def preview(self, form: Any) -> Preview:
        """The role before and after.

        Raises:
            OrgBillingError: what forbids it.
        """
        before = self.member
        after = rehearse(lambda: self._change(form))
        mine = before.user_id == self.principal.actor_user_id and before.role != after.role
        return Preview(
            f"{person_of(before.user)} becomes {Role(after.role).label.lower()}.",
            [
                Change("Role", Role(before.role).label, Role(after.role).label),
                Change("May", MAY[Role(before.role)], MAY[Role(after.role)]),
            ],
            ["This is your own role: you may lose sight of this page."] if mine else [],
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Change it.

        Raises:
            OrgBillingError: what forbids it.
        """
        member = self._change(form)
        return f"{person_of(member.user)} is {Role(member.role).label.lower()} now."

    def _change(self, form: Any) -> Member:
        role = Role(form.cleaned_data["role"])
        user_id = self.kwargs["user_id"]
        return Member.objects.change_role(self.org_id, user_id, role, by=self.principal)


class RemoveMember(ConfirmPage, LeadPage):
    """End a membership; what is unspent goes back to the pool."""

    title = "Remove member"
    operation = "remove_member"
    verb = "Remove"

    def preview(self, form: Any) -> Preview:
        """What comes back to the pool.

        Raises:
            OrgBillingError: what forbids it.
        """
        member = self.member
        before = CreditPool.objects.of(self.org_id).current_available_credits
        returned, after = rehearse(lambda: self._remove(self.origin))
        mine = member.user_id == self.principal.actor_user_id
        return Preview(
            f"{person_of(member.user)} leaves {self.organization.display_name}. "
            "Usage and history stay; nothing can be charged to them any more.",
            [
                Change("Comes back to the pool", 0, returned or 0),
                Change("Available in the pool", before, after),
            ],
            ["This is you: you lose access at once."] if mine else [],
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Remove them.

        Raises:
            OrgBillingError: what forbids it.
        """
        person = person_of(self.member.user)
        returned, _available = self._remove(origin)
        back = f" {credits_of(returned)} came back to the pool." if returned else ""
        return f"{person} is removed.{back}"

    def after_url(self) -> str:
        """The members, for whoever may still see them."""
        if self.kwargs["user_id"] == self.principal.actor_user_id and not self.stays():
            return reverse("admin:index")
        return super().after_url()

    def stays(self) -> bool:
        """Whether the person is a member, or runs the service."""
        rows = Member.objects.filter(org_id=self.org_id, user=self.principal.user)
        return self.principal.is_system_admin or rows.exists()

    def _remove(self, origin: Origin) -> tuple[int | None, int]:
        user_id = self.kwargs["user_id"]
        returned = end_membership(
            org_id=self.org_id, user_id=user_id, by=self.principal, origin=origin
        )
        return returned, CreditPool.objects.of(self.org_id).current_available_credits
