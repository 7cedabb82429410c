"""Organizations, members, API keys; whether the service is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from orgbilling_client._async.sender import AsyncSender
from orgbilling_client.calls import Id
from orgbilling_client.models.health import Health, Ready
from orgbilling_client.models.organizations import ApiKey, IssuedApiKey, Member, Organization
from orgbilling_client.paging import PAGE_SIZE
from orgbilling_client.requests import organizations
from orgbilling_client.requests.organizations import Role, Scope


class AsyncOrganizations(AsyncSender):
    """Who belongs together."""

    def organizations(self, *, page_size: int = PAGE_SIZE) -> AsyncIterator[Organization]:
        """Go through the organizations that the key is bound to."""
        return self._pages(organizations.organizations(page_size))

    async def create_organization(
        self, name: str, *, display_name: str | None = None, timezone: str | None = None
    ) -> Organization:
        """Make an organization.

        Args:
            name: 2 to 63 lower-case letters, digits and hyphens; nobody else's.
            timezone: as ``Europe/Berlin``, in which its days and months begin; UTC unless told otherwise.
        """
        call = organizations.create_organization(name, display_name=display_name, timezone=timezone)
        return await self._send(call)

    def members(
        self, *, org_id: Id | None = None, page_size: int = PAGE_SIZE
    ) -> AsyncIterator[Member]:
        """Go through an organization's members."""
        return self._pages(organizations.members(self._org(org_id), page_size))

    async def add_member(
        self,
        *,
        email: str | None = None,
        user_id: Id | None = None,
        role: Role | None = None,
        org_id: Id | None = None,
    ) -> Member:
        """Make a person a member, by e-mail or id; an e-mail that nobody has yet makes an account.

        Args:
            role: ``member`` unless told otherwise.

        Raises:
            AlreadyMember: the person is one.
        """
        call = organizations.add_member(self._org(org_id), user_id=user_id, email=email, role=role)
        return await self._send(call)

    async def change_member(self, user_id: Id, role: Role, *, org_id: Id | None = None) -> Member:
        """Give a member another role.

        Raises:
            LastOwner: an organization keeps one.
        """
        return await self._send(organizations.change_member(self._org(org_id), user_id, role))

    async def remove_member(self, user_id: Id, *, org_id: Id | None = None) -> None:
        """End a membership; unspent credits return to the pool.

        Raises:
            LastOwner: an organization keeps one.
        """
        await self._send(organizations.remove_member(self._org(org_id), user_id))

    def api_keys(
        self, *, org_id: Id | None = None, page_size: int = PAGE_SIZE
    ) -> AsyncIterator[ApiKey]:
        """Go through an organization's API keys; for owners and admins in person."""
        return self._pages(organizations.api_keys(self._org(org_id), page_size))

    async def issue_api_key(
        self,
        name: str,
        scopes: Sequence[Scope],
        *,
        expires_at: datetime | None = None,
        org_id: Id | None = None,
    ) -> IssuedApiKey:
        """Make an API key; this answer is the only one that holds it. For owners and admins in person."""
        call = organizations.issue_api_key(self._org(org_id), name, scopes, expires_at)
        return await self._send(call)

    async def revoke_api_key(self, key_id: Id, *, org_id: Id | None = None) -> None:
        """End an API key at once; for owners and admins in person."""
        await self._send(organizations.revoke_api_key(self._org(org_id), key_id))

    async def health(self) -> Health:
        """Ask whether the service's process answers."""
        return await self._send(organizations.health())

    async def ready(self) -> Ready:
        """Ask whether the service can do its work, and what stands in the way."""
        return await self._send(organizations.ready())
