"""Whose the source's user ids are: people who are here already, or who are made; never with a password."""

from __future__ import annotations

import csv
import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from organizations.models import User
from orgbilling.importing import cleaning
from orgbilling.importing.errors import ImportRefusedError
from orgbilling.importing.mending import Mends
from orgbilling.importing.rows import UserRow

#: The domain of placeholders: reserved, so that no mail can ever arrive there (RFC 2606).
PLACEHOLDERS: Final = "opscenter.invalid"
#: What the predecessor wrote when it didn't know who asked.
NOBODY: Final = frozenset({"", "unknown", "anonymous", "none", "null"})
#: Its services charged under their organization's id, with this before it.
SERVICE: Final = "org_"
LOCAL_PART: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
EMAIL_LENGTH_MAX: Final = 254
NAME_LENGTH_MAX: Final = 200
TABLE: Final = "users"
_UNREADABLE: Final = (csv.Error, RecursionError)


def read_file(path: Path) -> list[UserRow]:
    """People from a file: Keycloak's export (JSON), or CSV with the columns id, email and name.

    Raises:
        ImportRefusedError: it can't be read as either.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            entries: list[Any] = (
                json.load(file) if path.suffix == ".json" else list(csv.DictReader(file))
            )
        return [_from_entry(entry) for entry in entries]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, *_UNREADABLE) as exc:
        message = (
            f"{path} can't be read: {exc}. It has to be a JSON list of objects with id, email, firstName and lastName, "
            "as Keycloak exports users, or CSV with the columns id, email and name, and emailVerified (true) where the "
            "identity provider vouches for the address."
        )
        raise ImportRefusedError(message) from exc


def _from_entry(entry: dict[str, Any]) -> UserRow:
    full = " ".join(part for part in (entry.get("firstName"), entry.get("lastName")) if part)
    enabled, verified = entry.get("enabled"), entry.get("emailVerified")
    found = str(entry["id"] or "").strip()
    if not found:
        raise ValueError("somebody has no id")
    return UserRow(
        id=found,
        email=(entry.get("email") or "").strip() or None,
        name=(entry.get("name") or full or entry.get("username") or "").strip() or None,
        subject=found,
        is_active=enabled if isinstance(enabled, bool) else None,
        is_verified=verified is True or str(verified).strip().lower() == "true",
    )


@dataclass(slots=True)
class People:
    """The source's people by id.

    ``issuer``: of the identity provider whose subjects the ids are; empty: of none. ``source``: its name, where
    several are imported.
    """

    known: dict[str, UserRow]
    issuer: str
    mends: Mends
    source: str = ""
    made: int = 0
    found: int = 0
    _users: dict[str, User] = field(default_factory=dict)
    _ids: dict[uuid.UUID, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rows: Iterable[UserRow],
        more: Iterable[UserRow],
        issuer: str,
        mends: Mends,
        *,
        source: str = "",
    ) -> People:
        """From the source's table, and a file that knows better."""
        known = {row.id: row for row in rows}
        for row in more:
            before = known.get(row.id)
            known[row.id] = row if before is None else _joined(before, row)
        return cls(known, issuer, mends, source)

    def user(self, source_id: str) -> User:
        """The person that an id of the source names, made if need be."""
        if source_id not in self._users:
            self._users[source_id] = self._resolve(source_id)
        return self._users[source_id]

    def _resolve(self, source_id: str) -> User:
        row = self.known.get(source_id)
        email = self._email(source_id, row)
        external_id = self._external_id(source_id, row)
        user = None
        if external_id is not None:
            user = User.objects.filter(external_id=external_id).first()
        if user is None:
            user = User.objects.filter(email=email).first()
        if user is None:
            user = self._make(source_id, row, email, external_id)
        else:
            # Never linked: the source doesn't vouch for addresses, single sign-on links by one that is verified.
            self.found += 1
        other = self._ids.setdefault(user.pk, source_id)
        if other != source_id:
            self.mends.add(
                "user_merged", "", TABLE, source_id, email, f"the same person as {other}"
            )
        return user

    def _make(
        self, source_id: str, row: UserRow | None, email: str, external_id: str | None
    ) -> User:
        self.made += 1
        is_person = not _is_nobody(source_id) and (row is None or row.is_active is not False)
        name = self._name(source_id, (row.name if row else None) or "")
        # Address and identity together only where the provider says that they are one person's. Otherwise who has
        # written another's address into the source would be that person here; single sign-on links by a verified one.
        is_sure = email.endswith(f"@{self._placeholders}") or (row is not None and row.is_verified)
        return User.objects.create_user(
            email,
            name=name[:NAME_LENGTH_MAX],
            external_id=external_id if is_sure else None,
            is_active=is_person,
        )

    def _name(self, source_id: str, text: str) -> str:
        name = cleaning.line(text)
        if name != text:
            self.mends.add("text_controls", "", TABLE, source_id, text, name)
        return name

    @property
    def _placeholders(self) -> str:
        return f"{self.source}.{PLACEHOLDERS}" if self.source else PLACEHOLDERS

    def _email(self, source_id: str, row: UserRow | None) -> str:
        text = (row.email if row else None) or (source_id if "@" in source_id else "")
        folded = text.strip().lower()
        # A placeholder that somebody has written there is another's.
        is_address = folded.isprintable() and not folded.endswith(PLACEHOLDERS)
        if folded and is_address and len(folded) <= EMAIL_LENGTH_MAX:
            try:
                validate_email(folded)
            except ValidationError:
                pass
            else:
                return folded
        local = source_id.lower()
        if not LOCAL_PART.fullmatch(local):
            local = (
                "unknown"
                if _is_nobody(source_id)
                else uuid.uuid5(cleaning.NAMESPACE, source_id).hex
            )
        placeholder = f"{local}@{self._placeholders}"
        kind = "user_unknown" if _is_nobody(source_id) else "user_without_email"
        self.mends.add(kind, "", TABLE, source_id or "(empty)", text or "none", placeholder)
        return placeholder

    def _external_id(self, source_id: str, row: UserRow | None) -> str | None:
        if not self.issuer or _is_nobody(source_id) or "@" in source_id:
            return None
        if row is not None and row.subject is None and row.email:
            # A wrong identity would shut out whom single sign-on knows by a verified address.
            return None
        subject = (row.subject if row else None) or source_id
        return f"{self.issuer}|{subject}"


def _is_nobody(source_id: str) -> bool:
    return source_id.lower() in NOBODY or source_id.startswith(SERVICE)


def _joined(before: UserRow, row: UserRow) -> UserRow:
    return UserRow(
        id=row.id,
        email=row.email or before.email,
        name=row.name or before.name,
        # An address that is vouched for is that of the file's subject.
        subject=row.subject if row.is_verified else before.subject or row.subject,
        is_active=before.is_active if row.is_active is None else row.is_active,
        is_verified=row.is_verified and row.email is not None,
    )
