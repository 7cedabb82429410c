"""The console's pages about who is who. Only system admins see them (`User.has_perm`)."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from organizations.access import MANAGERS, Rule
from organizations.choices import AuditAction, Role
from organizations.models import ApiKey, AuditLogEntry, Member, Notice, Organization, User
from organizations.scoping import ScopedAdmin, principal_of, reach_of
from orgbilling.lib.clock import now
from orgbilling.lib.errors import OrgBillingError
from orgbilling.web.console import ForgivingAdmin, ReadOnlyAdmin

LEAD = Rule(MANAGERS)

# Roles and scopes say who may do what; groups say nothing here.
admin.site.unregister(Group)


class UserCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """A new user: e-mail, name, and a password or none."""

    class Meta:
        """Fields of the first page."""

        model = User
        fields = ("email", "name")
        field_classes: ClassVar[dict[str, type]] = {}

    def clean_email(self) -> str:
        """Return the address in the one form that is stored."""
        return str(self.cleaned_data["email"]).lower()


class UserForm(UserChangeForm):  # type: ignore[type-arg]
    """An existing user."""

    class Meta:
        """Every field that the page shows."""

        model = User
        fields = "__all__"
        field_classes: ClassVar[dict[str, type]] = {}

    def clean_email(self) -> str:
        """Return the address in the one form that is stored."""
        return str(self.cleaned_data["email"]).lower()

    def clean_external_id(self) -> str | None:
        """Return None for an empty identity: it is unique, so that "" would be taken once."""
        return self.cleaned_data["external_id"] or None


@admin.register(User)
class UserAdmin(ForgivingAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """People; one who has left is switched off, not deleted."""

    form = UserForm
    add_form = UserCreationForm
    list_display = ("email", "name", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "name", "external_id")
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("id", "last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("id", "email", "name", "password")}),
        ("Access", {"fields": ("is_active", "is_superuser", "external_id")}),
        ("Dates", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),
    )

    def save_model(
        self,
        request: HttpRequest,
        obj: User,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        """Save, and tell the audit log what was changed, but for passwords."""
        edit = AuditLogEntry.objects.edit(
            AuditAction.USER_EDITED if change else AuditAction.USER_CREATED,
            obj,
            fields=("email", "name", "is_active", "is_superuser", "external_id"),
            by=principal_of(request),
            subject_user_id=obj.pk,
            subject=obj.email,
        )
        with edit:
            super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Refuse: ledger rows name people for ever."""
        return False


@admin.register(Organization)
class OrganizationAdmin(ForgivingAdmin):
    """Organizations; they are opened with their pool by the API, and never deleted."""

    list_display = ("name", "display_name", "status", "timezone", "created_at")
    list_filter = ("status",)
    search_fields = ("name", "display_name")
    readonly_fields = ("id", "name", "status", "created_at", "updated_at")
    fields = ("id", "name", "display_name", "status", "timezone", "created_at", "updated_at")

    def save_model(
        self,
        request: HttpRequest,
        obj: Organization,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        """Save what the page edits, with the moment."""
        obj.updated_at = now()
        edit = AuditLogEntry.objects.edit(
            AuditAction.ORGANIZATION_EDITED,
            obj,
            fields=("display_name", "timezone"),
            by=principal_of(request),
            org_id=obj.pk,
            subject=obj.name,
        )
        with edit:
            obj.save(update_fields=["display_name", "timezone", "updated_at"])

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: an organization without a pool would be half of one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        """Refuse: organizations are suspended, never deleted."""
        return False


@admin.register(Member)
class MemberAdmin(ScopedAdmin):
    """Memberships: added here, given other roles by actions; removed by the API, with credits."""

    list_display = ("user", "org", "role", "joined_at")
    list_filter = ("role",)
    list_select_related = ("user", "org")
    search_fields = ("user__email", "user__name", "org__name")
    autocomplete_fields = ("user", "org")
    fields = ("org", "user", "role", "joined_at")
    readonly_fields = ("joined_at",)
    actions = ("make_owner", "make_admin", "make_billing_admin", "make_member")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """System admins add to any organization; others on their organization's own page."""
        return self.has_operate_permission(request)

    def has_lead_permission(self, request: HttpRequest) -> bool:
        """Whether the person may change roles anywhere; where, each change is asked."""
        reach = reach_of(request)
        return reach.everything or bool(reach.where(MANAGERS))

    def save_model(
        self,
        request: HttpRequest,
        obj: Member,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        """Add the member as the API would."""
        by = principal_of(request)
        added = Member.objects.add(obj.org, obj.user, role=Role(obj.role), by=by)
        obj.pk = added.pk
        obj._state.adding = False  # noqa: SLF001 - the manager has inserted the row

    @admin.action(description="Make owner", permissions=["lead"])
    def make_owner(self, request: HttpRequest, queryset: QuerySet[Member]) -> None:
        """Make the chosen members owners."""
        self._change_roles(request, queryset, Role.OWNER)

    @admin.action(description="Make admin", permissions=["lead"])
    def make_admin(self, request: HttpRequest, queryset: QuerySet[Member]) -> None:
        """Make the chosen members admins."""
        self._change_roles(request, queryset, Role.ADMIN)

    @admin.action(description="Make billing admin", permissions=["lead"])
    def make_billing_admin(self, request: HttpRequest, queryset: QuerySet[Member]) -> None:
        """Make the chosen members billing admins."""
        self._change_roles(request, queryset, Role.BILLING_ADMIN)

    @admin.action(description="Make plain member", permissions=["lead"])
    def make_member(self, request: HttpRequest, queryset: QuerySet[Member]) -> None:
        """Take the chosen members' special roles."""
        self._change_roles(request, queryset, Role.MEMBER)

    def _change_roles(self, request: HttpRequest, queryset: QuerySet[Member], role: Role) -> None:
        by = principal_of(request)
        for member in queryset.select_related("user"):
            try:
                by.require(LEAD, member.org_id)
                Member.objects.change_role(member.org_id, member.user_id, role, by=by)
            except OrgBillingError as exc:
                self.message_user(request, f"{member.user}: {exc.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{member.user} is {role.label.lower()} now.")


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    """API keys, to look at and to revoke; a new one is issued by the API."""

    roles = MANAGERS

    list_display = ("name", "prefix", "org", "scopes", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("org",)
    search_fields = ("name", "prefix", "org__name")
    exclude = ("key_hash",)
    actions = ("revoke",)

    @admin.action(description="Revoke at once")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Revoke the chosen keys."""
        by = principal_of(request)
        for key in queryset:
            ApiKey.objects.revoke(key.org_id, key.pk, by=by)
        self.message_user(request, "The keys are revoked.", messages.SUCCESS)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What everybody was told, and what became of the e-mail; for system admins."""

    list_display = (
        "created_at",
        "kind",
        "title",
        "user",
        "mail_status",
        "mail_attempts",
        "read_at",
    )
    list_filter = ("mail_status", "kind")
    list_select_related = ("user",)
    search_fields = ("user__email", "title")
    actions = ("queue_again",)

    @admin.action(description="Queue e-mail again", permissions=["view"])
    def queue_again(self, request: HttpRequest, queryset: QuerySet[Notice]) -> None:
        """Queue the e-mail of the chosen notices that was given up."""
        count = Notice.objects.queue_again(queryset, moment=now())
        self.message_user(request, f"Queued again: {count}.", messages.SUCCESS)
