"""What a person may see in the console: everything, the organizations they run, or what is their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast, final
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from organizations.access import BILLING, Principal
from organizations.choices import Role
from organizations.models import Member, User
from orgbilling.web.console import ForgivingChangeList, ReadOnlyAdmin

#: Where the session keeps the organization that the console is looking at; no key: all that may be seen.
CURRENT = "console_org"


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one person sees.

    Attributes:
        everything: a system admin.
        roles: what the person is in each of their organizations.
    """

    user_id: UUID
    everything: bool
    roles: Mapping[UUID, Role]

    def where(self, roles: frozenset[Role]) -> frozenset[UUID]:
        """The organizations in which the person has one of the roles."""
        return frozenset(org_id for org_id, role in self.roles.items() if role in roles)

    def runs(self, org_id: UUID) -> bool:
        """Whether the person has a billing role there, or is a system admin."""
        return self.everything or self.roles.get(org_id) in BILLING

    def rows(
        self, queryset: QuerySet[Any], *, org: str, person: str | None, roles: frozenset[Role]
    ) -> QuerySet[Any]:
        """The rows of a table that the person may see.

        Args:
            org: the lookup of a row's organization.
            person: the lookup of whom a row is about, who sees it too while a member; None: nobody.
            roles: who sees all rows of their organization.
        """
        if self.everything:
            return queryset
        allowed = Q(**{f"{org}__in": self.where(roles)})
        if person is not None:
            allowed |= Q(**{f"{org}__in": set(self.roles), person: self.user_id})
        return queryset.filter(allowed)


def person_of(request: HttpRequest) -> User:
    """Who is signed in to the console; the site lets nobody else this far."""
    if not isinstance(request.user, User):
        msg = "The console has a user behind every request."
        raise TypeError(msg)
    return request.user


def principal_of(request: HttpRequest) -> Principal:
    """The same person as the caller whom rules are asked about; one for a request."""
    if not hasattr(request, "console_principal"):
        request.console_principal = Principal(user=person_of(request))  # type: ignore[attr-defined]
    return cast("Principal", request.console_principal)  # type: ignore[attr-defined]


def reach_of(request: HttpRequest) -> Reach:
    """How far the request's person sees; asked once for a request."""
    if not hasattr(request, "console_reach"):
        user = person_of(request)
        roles = dict(Member.objects.filter(user=user).values_list("org_id", "role"))
        request.console_reach = Reach(  # type: ignore[attr-defined]
            user.pk, user.is_superuser, {org_id: Role(role) for org_id, role in roles.items()}
        )
    return cast("Reach", request.console_reach)  # type: ignore[attr-defined]


def current_org_id(request: HttpRequest) -> UUID | None:
    """The organization that the console is looking at: the chosen one, or a person's only one."""
    reach = reach_of(request)
    chosen = request.session.get(CURRENT)
    if chosen is not None and (reach.everything or UUID(chosen) in reach.roles):
        return UUID(chosen)
    if reach.everything or not reach.roles:
        return None
    return min(reach.roles)


class ScopedChangeList(ForgivingChangeList):
    """The list of the organization that the console is looking at."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        """Its rows, filtered as asked."""
        rows: QuerySet[Any] = super().get_queryset(request, *args, **kwargs)
        org_id = current_org_id(request)
        if org_id is None:
            return rows
        return rows.filter(**{self.model_admin.org_lookup: org_id})


class ScopedAdmin(ReadOnlyAdmin):
    """Shows the rows that a person may see, in lists, searches, autocompletes, exports and under guessed addresses.

    `org_lookup`, `person_lookup` and `roles` are the arguments of ``Reach.rows``.
    """

    org_lookup = "org_id"
    person_lookup: str | None = None
    roles: ClassVar[frozenset[Role]] = BILLING
    show_full_result_count = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ForgivingChangeList]:
        """The one of the current organization."""
        return ScopedChangeList

    @final
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that the person may see; what a page wants to add to them, it adds in `shown`."""
        return reach_of(request).rows(
            self.shown(super().get_queryset(request)),
            org=self.org_lookup,
            person=self.person_lookup,
            roles=self.roles,
        )

    def shown(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The table's rows as the page shows them, with annotations for instance."""
        return rows

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever sees a list of it sees the app."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the person may see such rows at all; which of them, the queryset decides."""
        if not isinstance(request.user, User) or not request.user.is_active:
            return False
        reach = reach_of(request)
        own = self.person_lookup is not None and bool(reach.roles)
        return reach.everything or own or bool(reach.where(self.roles))

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether the person may run actions that are for whoever runs the service."""
        return bool(request.user.is_active and request.user.is_superuser)
