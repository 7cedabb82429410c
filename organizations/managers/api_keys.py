"""Issuing, finding and revoking API keys."""

import datetime
import uuid
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.db import models, transaction
from django.utils import timezone
from django.utils.functional import cached_property

from organizations import known_keys
from organizations.choices import AuditAction, Scope
from organizations.keys import PREFIX_SHOWN_LENGTH, generate_key, hash_key, is_well_formed
from orgbilling.database.preparing import preparing_cursor
from orgbilling.lib.errors import PermissionRefused
from orgbilling.web import epochs

if TYPE_CHECKING:
    from organizations.access import Principal
    from organizations.models.api_key import ApiKey
    from organizations.models.organization import Organization

LAST_USED_PRECISION: Final = datetime.timedelta(minutes=1)


class ApiKeyManager(models.Manager["ApiKey"]):
    """The only door to API keys."""

    def issue(
        self,
        org: "Organization | None",
        *,
        name: str,
        scopes: Collection[Scope],
        expires_at: datetime.datetime | None = None,
        by: "Principal | None",
    ) -> "tuple[ApiKey, str]":
        """Make a key and return it with its plain text, which can never be had again.

        `org` None makes a key of all organizations. `by` None is the operator at the command line;
        anyone else gives no scope beyond their own role: PermissionRefused.
        """
        if by is not None:
            self._require_grantable(org, scopes, by)
        plaintext = generate_key()
        with transaction.atomic():
            key = self.create(
                org=org,
                name=name,
                prefix=plaintext[:PREFIX_SHOWN_LENGTH],
                key_hash=hash_key(plaintext),
                scopes=[scope.value for scope in Scope if scope in scopes],
                expires_at=expires_at,
                created_by=by.user if by is not None else None,
            )
            self._tell(
                AuditAction.API_KEY_ISSUED,
                key,
                by=by,
                after={"scopes": key.scopes, "expires_at": key.expires_at},
            )
        return key, plaintext

    def find(self, plaintext: str) -> "ApiKey | None":
        """Return the key with this text, a dead one too, None for any other text; one query.

        A text whose checksum is wrong doesn't reach the database.
        """
        return self.with_hash(hash_key(plaintext)) if is_well_formed(plaintext) else None

    def with_hash(self, key_hash: str) -> "ApiKey | None":
        """Return the key whose text has this hash, a dead one too; one query."""
        # Asked by each call of a service: composing the query costs Django more than the database's answer.
        with preparing_cursor(self.db) as cursor:
            cursor.execute(self._by_hash, [key_hash])
            row = cursor.fetchone()
        return None if row is None else self.model.from_db(self.db, self._columns, row)

    @cached_property
    def _columns(self) -> list[str]:
        return [field.attname for field in self.model._meta.concrete_fields]

    @cached_property
    def _by_hash(self) -> str:
        columns = ", ".join(str(field.column) for field in self.model._meta.concrete_fields)
        return f"SELECT {columns} FROM api_keys WHERE key_hash = %s"  # noqa: S608 - the model's own names

    def authenticate(self, plaintext: str) -> "ApiKey | None":
        """Return the key that is valid at this moment, None for any other text; one query."""
        key = self.find(plaintext)
        return key if key is not None and not key.is_dead else None

    def note_use(self, key: "ApiKey") -> None:
        """Remember that the key was used, to the minute: at most one write a minute and key."""
        now = timezone.now()
        stale = now - LAST_USED_PRECISION
        if key.last_used_at is not None and key.last_used_at > stale:
            return
        self.filter(
            models.Q(last_used_at__isnull=True) | models.Q(last_used_at__lte=stale), pk=key.pk
        ).update(last_used_at=now)
        key.last_used_at = now

    def revoke(
        self, org_id: uuid.UUID | None, key_id: uuid.UUID, *, by: "Principal | None"
    ) -> bool:
        """Make a key useless from now on; False when it isn't there. Twice is as good as once.

        `by` None is the operator at the command line.
        """
        with transaction.atomic():
            keys = self.filter(pk=key_id, org_id=org_id)
            moment = timezone.now()
            revoked = keys.filter(revoked_at=None).update(revoked_at=moment)
            key = keys.first()
            if key is not None and revoked:
                known_keys.forget(key.pk)
                # A process that ends before it has told leaves what others keep to its few seconds.
                transaction.on_commit(epochs.change, robust=True)
                self._tell(AuditAction.API_KEY_REVOKED, key, by=by, after={"revoked_at": moment})
            return key is not None

    @staticmethod
    def _tell(
        action: AuditAction, key: "ApiKey", *, by: "Principal | None", after: dict[str, Any]
    ) -> None:
        log: Any = apps.get_model("organizations", "AuditLogEntry").objects
        log.record(action, by=by, org_id=key.org_id, subject=str(key), after=after)

    @staticmethod
    def _require_grantable(
        org: "Organization | None", scopes: Collection[Scope], by: "Principal"
    ) -> None:
        if org is None and not by.is_system_admin:
            raise PermissionRefused("Only a system admin makes keys of all organizations.")
        beyond = set(scopes) - by.grantable_scopes(org.id if org is not None else None)
        if beyond:
            names = ", ".join(sorted(beyond))
            raise PermissionRefused(f"Your role can't give these scopes to a key: {names}.")
