"""Organizations and who belongs to them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from billing.models import BillingEvent, Subscription
from credits.models import Allocation, JournalEntry
from organizations.choices import AuditAction, OrganizationStatus, Role
from organizations.models import AuditLogEntry, Member, Organization, User
from orgbilling.importing import cleaning
from orgbilling.importing.mending import Mends
from orgbilling.importing.people import People
from orgbilling.importing.rows import MemberRow, OrganizationRow

TABLE: Final = "organizations"
MEMBERS: Final = "organization_members"
DISPLAY_LENGTH_MAX: Final = 200
#: Who of several is the owner where nobody is: the highest first.
RANK: Final = (Role.OWNER, Role.ADMIN, Role.BILLING_ADMIN, Role.MEMBER)


@dataclass(slots=True)
class Tenant:
    """An organization of the source, and what it is here.

    ``is_known``: the source has a row of it. ``since``: the moment from which its imported history begins.
    ``namespace``: of the source, what ids that are no UUIDs are derived in.
    """

    source_id: str
    organization: Organization
    since: datetime
    namespace: uuid.UUID
    is_known: bool = True
    members: dict[uuid.UUID, Role] = field(default_factory=dict)


@dataclass(slots=True)
class Tenants:
    """Finds or makes the organizations; ``refused`` collects those that have a history here already."""

    mends: Mends
    moment: datetime
    namespace: uuid.UUID
    refused: list[str] = field(default_factory=list)
    _taken: set[uuid.UUID] = field(default_factory=set)

    def tenant(self, source_id: str, row: OrganizationRow | None) -> Tenant:
        """The organization of an id, made unless it is here and empty."""
        key = cleaning.identity(source_id, TABLE, self.namespace)
        if not cleaning.is_identity(source_id):
            self.mends.add("id", source_id, TABLE, source_id, source_id, key)
        name = self._name(source_id, row)
        found = Organization.objects.filter(pk=key).first()
        if found is None:
            found = Organization.objects.filter(name=name).first()
            if found is not None and (found.pk in self._taken or _is_imported(found)):
                # Two of the source, or of two sources, whose names are the same slug.
                found, name = None, self._free(source_id, name)
        if found is None:
            found = self._make(source_id, key, name, row)
        elif _has_history(found):
            self.refused.append(
                f"{found.name} ({source_id}) has credits, a subscription or a history here already"
            )
        else:
            self.mends.add("organization_found", source_id, TABLE, source_id, name, found.pk)
        self._taken.add(found.pk)
        since = min(self.moment, (row.created_at if row else None) or self.moment)
        return Tenant(source_id, found, since, self.namespace, is_known=row is not None)

    def _make(
        self, source_id: str, key: uuid.UUID, name: str, row: OrganizationRow | None
    ) -> Organization:
        if row is None:
            self.mends.add("organization_missing", source_id, TABLE, source_id, "none", name)
        text = (row.display_name or row.name if row else None) or name
        display = cleaning.line(text) or name
        if display != text:
            self.mends.add("text_controls", source_id, TABLE, source_id, text, display)
        if len(display) > DISPLAY_LENGTH_MAX:
            self.mends.add(
                "text_long", source_id, TABLE, source_id, display, display[:DISPLAY_LENGTH_MAX]
            )
        created_at = min(self.moment, (row.created_at if row else None) or self.moment)
        return Organization.objects.bring_in(
            id=key,
            name=name,
            display_name=display[:DISPLAY_LENGTH_MAX],
            status=self._status(source_id, row),
            created_at=created_at,
        )

    def _name(self, source_id: str, row: OrganizationRow | None) -> str:
        text = (row.slug or row.name if row else None) or f"opscenter-{source_id[:8]}"
        name = cleaning.slug(text)
        if row is not None and name != text:
            self.mends.add("organization_renamed", source_id, TABLE, source_id, text, name)
        return name

    def _free(self, source_id: str, name: str) -> str:
        number = 2
        while Organization.objects.filter(name=(made := f"{name[:58]}-{number}")).exists():
            number += 1
        self.mends.add("organization_renamed", source_id, TABLE, source_id, name, made)
        return made

    def _status(self, source_id: str, row: OrganizationRow | None) -> OrganizationStatus:
        if row is None or row.is_active is False:
            return OrganizationStatus.SUSPENDED
        status = (row.status or "active").lower()
        if status in OrganizationStatus.values:
            return OrganizationStatus(status)
        self.mends.add(
            "organization_status",
            source_id,
            TABLE,
            source_id,
            row.status,
            OrganizationStatus.SUSPENDED,
        )
        return OrganizationStatus.SUSPENDED


def _is_imported(organization: Organization) -> bool:
    imported = AuditLogEntry.objects.filter(action=AuditAction.ORGANIZATION_IMPORTED)
    return bool(imported.filter(org_id=organization.pk).exists())


def _has_history(organization: Organization) -> bool:
    tables = (JournalEntry, Allocation, Subscription, BillingEvent)
    return any(table.objects.filter(org=organization).exists() for table in tables)


def join(
    tenant: Tenant,
    rows: Iterable[MemberRow],
    derived: Iterable[str],
    people: People,
    mends: Mends,
    moment: datetime,
) -> int:
    """Make the memberships, with an owner; returns how many. ``derived``: members by their allocations alone."""
    roles, joined = _roles(tenant, rows, people, mends, moment)
    for source_id in derived:
        user = people.user(source_id)
        if user.pk not in roles:
            mends.add("member_derived", tenant.source_id, MEMBERS, source_id, "none", Role.MEMBER)
            roles[user.pk], joined[user.pk] = Role.MEMBER, tenant.since
    there = dict(Member.objects.filter(org=tenant.organization).values_list("user_id", "role"))
    owned = Role.OWNER in there.values()
    if roles and not owned and Role.OWNER not in roles.values():
        heir = min(roles, key=lambda one: (RANK.index(roles[one]), joined[one], str(one)))
        mends.add("owner_missing", tenant.source_id, MEMBERS, str(heir), roles[heir], Role.OWNER)
        roles[heir] = Role.OWNER
    users = User.objects.in_bulk(list(roles))
    for key, role in roles.items():
        if key not in there:
            Member.objects.bring_in(
                tenant.organization, users[key], role=role, joined_at=joined[key]
            )
    tenant.members = {key: Role(role) for key, role in there.items()} | roles
    return len(roles.keys() - there.keys())


def _roles(
    tenant: Tenant, rows: Iterable[MemberRow], people: People, mends: Mends, moment: datetime
) -> tuple[dict[uuid.UUID, Role], dict[uuid.UUID, datetime]]:
    roles: dict[uuid.UUID, Role] = {}
    joined: dict[uuid.UUID, datetime] = defaultdict(lambda: moment)
    for row in rows:
        if row.is_active is False:
            mends.add("member_inactive", tenant.source_id, MEMBERS, row.user_id, row.role, "none")
            continue
        role = cleaning.role(row.role)
        if row.role != role.value:
            mends.add("role", tenant.source_id, MEMBERS, row.user_id, row.role, role)
        key = people.user(row.user_id).pk
        former = roles.get(key, role)
        roles[key] = min(former, role, key=RANK.index)
        joined[key] = min(joined[key], row.joined_at or tenant.since)
    return roles, joined
