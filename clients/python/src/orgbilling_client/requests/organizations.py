"""Organizations, their members and their API keys; the service's health."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from orgbilling_client.calls import BASE, Answer, Call, Id, given, moment, once, read, segment
from orgbilling_client.models.health import Health, Ready
from orgbilling_client.models.organizations import ApiKey, IssuedApiKey, Member, Organization
from orgbilling_client.paging import Page, pages
from orgbilling_client.parsing import parse

ORGANIZATIONS: Final = f"{BASE}/organizations"
Role = Literal["owner", "admin", "billing_admin", "member"]
Scope = Literal[
    "credits:read",
    "credits:deduct",
    "credits:manage",
    "billing:read",
    "billing:manage",
    "organizations:read",
    "organizations:manage",
]


def organizations(page_size: int) -> Call[Page[Organization]]:
    """List the organizations that the key is bound to."""
    return pages(ORGANIZATIONS, Organization, {}, page_size)


def create_organization(
    name: str, *, display_name: str | None, timezone: str | None
) -> Call[Organization]:
    """Make an organization."""
    body = given(name=name, display_name=display_name, timezone=timezone)
    return once("POST", ORGANIZATIONS, lambda answer: parse(Organization, answer.document), body)


def members(org_id: str, page_size: int) -> Call[Page[Member]]:
    """List an organization's members."""
    return pages(f"{_of(org_id)}/members", Member, {}, page_size)


def add_member(
    org_id: str, *, user_id: Id | None, email: str | None, role: Role | None
) -> Call[Member]:
    """Make a person a member."""
    if (user_id is None) == (email is None):
        raise ValueError("Give either a user_id or an email.")
    body = given(user_id=None if user_id is None else str(user_id), email=email, role=role)
    return once("POST", f"{_of(org_id)}/members", _member, body)


def change_member(org_id: str, user_id: Id, role: Role) -> Call[Member]:
    """Give a member another role."""
    return once("PATCH", _member_path(org_id, user_id), _member, {"role": role})


def remove_member(org_id: str, user_id: Id) -> Call[None]:
    """End a membership."""
    return once("DELETE", _member_path(org_id, user_id), _nothing)


def api_keys(org_id: str, page_size: int) -> Call[Page[ApiKey]]:
    """List an organization's API keys."""
    return pages(f"{_of(org_id)}/api-keys", ApiKey, {}, page_size)


def issue_api_key(
    org_id: str, name: str, scopes: Sequence[Scope], expires_at: datetime | None
) -> Call[IssuedApiKey]:
    """Make an API key."""
    body = given(
        name=name,
        scopes=list(scopes),
        expires_at=None if expires_at is None else moment(expires_at),
    )
    path = f"{_of(org_id)}/api-keys"
    return once("POST", path, lambda answer: parse(IssuedApiKey, answer.document), body)


def revoke_api_key(org_id: str, key_id: Id) -> Call[None]:
    """End an API key."""
    return once("DELETE", f"{_of(org_id)}/api-keys/{segment('key_id', key_id)}", _nothing)


def health() -> Call[Health]:
    """Ask whether the process answers."""
    return read("/health", lambda answer: parse(Health, answer.document))


def ready() -> Call[Ready]:
    """Ask whether the service can do its work; an answer of 503 says what stands in the way."""
    return read("/ready", lambda answer: parse(Ready, answer.document), accepts=frozenset({503}))


def _of(org_id: str) -> str:
    return f"{ORGANIZATIONS}/{segment('org_id', org_id)}"


def _member_path(org_id: str, user_id: Id) -> str:
    return f"{_of(org_id)}/members/{segment('user_id', user_id)}"


def _member(answer: Answer) -> Member:
    return parse(Member, answer.document)


def _nothing(_answer: Answer) -> None:
    return None
