"""Organizations, their members and their API keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An organization, with the caller's role in it (null for services and system admins)."""

    id: str
    name: str
    display_name: str
    status: str
    timezone: str
    role: str | None
    member_count: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in an organization."""

    user_id: str
    email: str
    name: str
    role: str
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A service account's key, without the key."""

    id: str
    org_id: str | None
    name: str
    prefix: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_by: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedApiKey:
    """A key just issued: the only answer that ever holds it."""

    id: str
    org_id: str | None
    name: str
    prefix: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_by: str | None
    created_at: datetime
    #: Shown this once, and not by ``repr``.
    key: str = field(repr=False)
